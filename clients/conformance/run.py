"""Runs cases against a client, several at once, on servers of its own."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import httpx

from clients.conformance.program import Program, ProgramFailed
from clients.conformance.story import Failed, Story
from tests.servers import ParleyServer

PATIENCE_SECONDS = 90.0
AT_ONCE = 4
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.realtime.live_settings"}  # cheap password hashes

Script = Callable[[Story], Awaitable[None]]
Verdict = Literal["passed", "failed", "not for it"]


@dataclass(frozen=True)
class Case:
    """A script and what it needs: features of the client, and perhaps a server that no other case uses meanwhile."""

    name: str
    group: str
    what: str
    script: Script
    needs: frozenset[str]
    own_server: bool


@dataclass(frozen=True)
class Result:
    """The verdict on one case, with the reason when it is not "passed"."""

    case: Case
    verdict: Verdict
    reason: str
    seconds: float


CASES: dict[str, Case] = {}


def case(*needs: str, own_server: bool = False) -> Callable[[Script], Script]:
    """Declare a script as a case; its name and its docstring are those of the function."""

    def declare(script: Script) -> Script:
        group = script.__module__.rsplit(".", 1)[-1]
        add_case(getattr(script, "__name__", ""), group, (script.__doc__ or "").strip(), script, needs, own_server)
        return script

    return declare


def add_case(
    name: str, group: str, what: str, script: Script, needs: Sequence[str] = (), own_server: bool = False
) -> None:
    """Declare one case of a table."""
    name = name.replace("_", "-")
    assert name not in CASES, name
    CASES[name] = Case(name, group, what, script, frozenset(needs), own_server)


class Kit:
    """Servers of its own, started when a case needs one, and the cases that run on them: `async with Kit() as kit`."""

    def __init__(self, *, at_once: int = AT_ONCE, patience: float = PATIENCE_SECONDS) -> None:
        """`patience` is how many seconds a client has for each step."""
        self.patience = patience
        self._shared, self._own = ParleyServer(env=SETTINGS), ParleyServer(env=SETTINGS)
        self._free, self._alone, self._starting = asyncio.Semaphore(at_once), asyncio.Lock(), asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        for server in (self._shared, self._own):
            await asyncio.to_thread(server.stop)
            shutil.rmtree(server.folder, ignore_errors=True)

    async def judge(self, case: Case, command: Sequence[str], *, env: dict[str, str] | None = None) -> Result:
        """Run a case against the client that this command starts, as soon as it is its turn."""
        server, turn = (self._own, self._alone) if case.own_server else (self._shared, self._free)
        async with turn:
            async with self._starting:
                await asyncio.to_thread(server.start)
            return await _run_case(case, server, command, self.patience, env)

    async def run(self, command: Sequence[str], cases: Sequence[Case]) -> AsyncIterator[Result]:
        """Run cases, several at once, and yield the verdicts as they come."""
        tasks = [asyncio.ensure_future(self.judge(each, command)) for each in cases]
        try:
            for finished in asyncio.as_completed(tasks):
                yield await finished
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _run_case(
    case: Case, server: ParleyServer, command: Sequence[str], patience: float, env: dict[str, str] | None
) -> Result:
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="parley-case-"))
    verdict: Verdict = "passed"
    reason = ""
    try:
        async with Story(server, lambda: Program(command, folder, env=env), folder, patience) as story:
            await story.program.launch()
            if missing := case.needs - story.program.features:
                verdict, reason = "not for it", f"needs {', '.join(sorted(missing))}"
            else:
                await case.script(story)
                story.check_always()
    except (Failed, ProgramFailed) as error:
        verdict, reason = "failed", str(error)
    except (httpx.HTTPError, OSError) as error:  # the server's side of the case, perhaps because of the client
        verdict, reason = "failed", "".join(traceback.format_exception(error)[-3:])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Result(case, verdict, reason, time.monotonic() - began)
