"""The types of openapi-typescript: they narrow under tsc --strict, and openapi-fetch calls a server with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generated_clients.conftest import BUILD, run
from tests.realtime.deployment import Deployment
from tests.servers import ROOT


@pytest.fixture(scope="module")
def compiled(node: Path) -> Path:
    """The folder of the compiled JavaScript; compiling checks the types."""
    output = run(str(node / "openapi-typescript"), str(ROOT / "openapi.yaml"), "--output", "build/contract.d.ts")
    assert "⚠" not in output
    run(str(node / "tsc"), "--project", "tsconfig.json")
    return BUILD / "js"


def test_the_typescript_types_narrow_by_the_discriminator(compiled: Path) -> None:
    assert (compiled / "narrowing.mjs").exists()


def test_openapi_fetch_calls_a_live_server(compiled: Path, deployment: Deployment) -> None:
    assert "openapi-fetch works" in run("node", str(compiled / "live.mjs"), deployment.servers[0].url)
