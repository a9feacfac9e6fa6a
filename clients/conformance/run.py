"""Runs cases against a client, several at once, on servers of its own."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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


async def run_cases(
    command: Sequence[str],
    cases: Sequence[Case],
    *,
    at_once: int = AT_ONCE,
    patience: float = PATIENCE_SECONDS,
    env: dict[str, str] | None = None,
) -> AsyncIterator[Result]:
    """Yield the verdicts as they come. `patience` is how many seconds a client has for each step."""
    async with AsyncExitStack() as stack:
        shared = await stack.enter_async_context(_serving()) if any(not each.own_server for each in cases) else None
        own = await stack.enter_async_context(_serving()) if any(each.own_server for each in cases) else None
        free, alone = asyncio.Semaphore(at_once), asyncio.Lock()

        async def run(each: Case) -> Result:
            if not each.own_server:
                assert shared is not None
                async with free:
                    return await _run_case(each, shared, command, patience, env)
            assert own is not None
            async with alone:
                await asyncio.to_thread(own.start)
                return await _run_case(each, own, command, patience, env)

        tasks = [asyncio.ensure_future(run(each)) for each in cases]
        try:
            for finished in asyncio.as_completed(tasks):
                yield await finished
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _serving() -> AsyncIterator[ParleyServer]:
    server = ParleyServer(env=SETTINGS)
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.stop)
        shutil.rmtree(server.folder, ignore_errors=True)


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
