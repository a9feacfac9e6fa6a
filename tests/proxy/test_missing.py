"""A machine without Caddy: the tests of the proxy fail with advice."""

from pathlib import Path

import pytest

from tests.proxy.proxy import Proxy
from tests.services import ServiceMissing


def test_a_missing_caddy_is_an_error_with_advice_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ServiceMissing, match="apt-get install caddy"):
        Proxy([1])
