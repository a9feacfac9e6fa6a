"""A pytest plugin: a violation of a contract fails its test; a whole run must see everything that they document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from settings.test import TEST_STACK
from tests import recording

# Run in processes of their own by tests/run.sh, or by `make check`; they see no part of the contracts that the others
# do not see.
APART = {
    "tests/bench",
    "tests/chaos",
    "tests/contracts/test_documents.py",
    "tests/contracts/test_generators.py",
    "tests/docs",
    "tests/engine",
    "tests/lifecycle",
    "tests/packaging",
    "tests/proxy",
    "tests/settings",
    "tests/sim",
}


@pytest.fixture(autouse=True)
def fail_on_violations() -> Iterator[None]:
    """Fails a test with an undocumented response, frame or close."""
    yield
    violations, recording.violations[:] = recording.violations[:], []
    if violations:
        listed = "\n".join(violations[:5])
        pytest.fail(f"{len(violations)} violations of the contracts (`make schema`?):\n{listed}", False)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fails a whole run that has not seen every part of the contracts."""
    if exitstatus == pytest.ExitCode.OK and _is_whole(session.config) and recording.never_seen():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Lists the parts of the contracts that a whole run has not seen."""
    if _is_whole(config):
        for kind, names in recording.never_seen().items():
            terminalreporter.write_line(f"documented, but never seen: {kind} {', '.join(names)}", red=True)


def _is_whole(config: pytest.Config) -> bool:
    if TEST_STACK != "sqlite":
        return False  # the second stack leaves out tests that run once
    options = config.option
    narrowed = options.keyword or options.markexpr or options.lf or options.deselect or options.collectonly
    ignored = set(options.ignore or ()) - APART
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not narrowed and not ignored
