"""The clients that the kit judges here."""

from __future__ import annotations

import sys

from tests.servers import ROOT
from tests.typescript_client.test_package import PACKAGE, npm

PYTHON = [sys.executable, str(ROOT / "clients/python/conformance.py")]
README = [sys.executable, "-m", "clients.conformance.readme"]


def typescript() -> list[str]:
    """The command of the TypeScript client, bundled once; its dependencies are installed already."""
    npm("run", "conformance")
    return ["node", str(PACKAGE / ".conformance/adapter.mjs")]
