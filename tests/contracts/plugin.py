"""A pytest plugin: a breach of a contract fails the test that saw it; a whole run must see all that they name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from settings.test import TEST_STACK
from tests import recording

# tests/run.sh runs these in processes of their own; they show nothing that the others do not show too.
APART = {
    "tests/bench",
    "tests/chaos",
    "tests/docs",
    "tests/engine",
    "tests/packaging",
    "tests/proxy",
    "tests/settings",
    "tests/sim",
}


@pytest.fixture(autouse=True)
def fail_on_violations() -> Iterator[None]:
    """Fails a test that saw something undocumented."""
    yield
    violations, recording.violations[:] = recording.violations[:], []
    if violations:
        listed = "\n".join(violations[:5])
        pytest.fail(
            f"{len(violations)} times something that the contracts do not say (`make schema`?):\n{listed}", False
        )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Only a whole run can tell that something never came."""
    if exitstatus == pytest.ExitCode.OK and _is_whole(session.config) and recording.never_seen():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Lists what a whole run has never seen."""
    if _is_whole(config):
        for kind, names in recording.never_seen().items():
            terminalreporter.write_line(f"documented, but never seen: {kind} {', '.join(names)}", red=True)


def _is_whole(config: pytest.Config) -> bool:
    if TEST_STACK != "sqlite":
        return False  # the second stack leaves out what needs telling once
    options = config.option
    narrowed = options.keyword or options.markexpr or options.lf or options.deselect or options.collectonly
    ignored = set(options.ignore or ()) - APART
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not narrowed and not ignored
