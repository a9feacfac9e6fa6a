"""A pytest plugin: a violation of a contract fails its test; what a run sees of the contracts is kept."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import recording


@pytest.fixture(autouse=True)
def fail_on_violations() -> Iterator[None]:
    """Fails a test with an undocumented response, frame or close."""
    yield
    violations, recording.violations[:] = recording.violations[:], []
    if violations:
        listed = "\n".join(violations[:5])
        pytest.fail(f"{len(violations)} violations of the contracts (`make schema`?):\n{listed}", False)


def pytest_sessionfinish() -> None:
    """Keeps the documented parts that this process has seen where tests/run.sh asks for them."""
    if folder := os.environ.get("SEEN_FOLDER"):
        seen = {kind: sorted(names) for kind, names in recording.seen.items()}
        Path(folder, f"{os.getpid()}.json").write_text(json.dumps(seen))
