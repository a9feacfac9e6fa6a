"""What a load balancer asks."""

from __future__ import annotations

import pytest

from tests.clients import Person


@pytest.mark.parametrize("probe", ["/livez", "/readyz"])
def test_it_answers_whoever_asks(stranger: Person, probe: str) -> None:
    response = stranger.get(probe)

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
