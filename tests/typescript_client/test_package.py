"""clients/typescript: its own tests against real servers, its types, its size, and the package as npm would pack it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT

PACKAGE = ROOT / "clients/typescript"
SECONDS = 900  # on a busy machine; two minutes on a free one


def npm(*arguments: str) -> None:
    """Run npm in the package; its output is that of the test."""
    environment = os.environ | {"PARLEY_PYTHON": sys.executable}
    done = subprocess.run(
        ["npm", *arguments], cwd=PACKAGE, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, f"npm {' '.join(arguments)}\n{(done.stdout + done.stderr)[-6000:]}"


@pytest.fixture(scope="module")
def installed() -> Path:
    """The package with what its tests need, as package-lock.json has it."""
    modules = PACKAGE / "node_modules"
    stamp, wanted = modules / ".installed.json", (PACKAGE / "package-lock.json").read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
        stamp.write_text(wanted)
    return PACKAGE


def test_the_client_keeps_its_promises(installed: Path) -> None:
    npm("test")


def test_the_types_hold_with_the_samples_of_its_readme(installed: Path) -> None:
    assert (installed / ".readme").is_dir(), "The tests of the package write the samples."
    npm("run", "types")


def test_the_code_has_no_findings_of_the_linter(installed: Path) -> None:
    npm("run", "lint")


def test_the_linter_finds_a_promise_that_is_not_awaited(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "tsconfig.json").write_text('{"compilerOptions": {"strict": true, "target": "es2022"}}')
    (tmp_path / "forgotten.ts").write_text("const save = async () => {};\nexport const close = () => {\n  save();\n}\n")
    binaries = installed / "node_modules/.bin"

    done = subprocess.run(
        [binaries / "oxlint", "--config", installed / ".oxlintrc.json"],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{binaries}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert "no-floating-promises" in done.stdout


def test_the_core_is_small(installed: Path) -> None:
    npm("run", "size")


def test_the_package_is_fit_to_publish(installed: Path) -> None:
    npm("run", "build")
    npm("run", "publishable")
