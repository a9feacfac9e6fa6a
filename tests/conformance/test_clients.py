"""All cases of the kit for the three clients, and all planted bugs."""

from __future__ import annotations

import asyncio
import subprocess

import pytest
from planted import BUGS

import clients.conformance.cases  # noqa: F401  declares them
from clients.conformance.run import CASES, Kit
from tests.conformance.commands import PYTHON, README, typescript
from tests.docs.pages import blocks, read
from tests.servers import ROOT

NOT_FOR_TYPESCRIPT = {"two-processes-of-one-store"}  # tabs of one browser share a store, and its own tests have them
NEEDS_OF_README = {"store", "shared_store", "full_store"}


@pytest.mark.parametrize("language", ["python", "typescript", "readme"])
async def test_a_client_passes_all_cases(language: str) -> None:
    command = typescript() if language == "typescript" else {"python": PYTHON, "readme": README}[language]
    async with Kit() as kit:
        results = [result async for result in kit.run(command, list(CASES.values()))]

    assert [f"{each.case.name}: {each.reason}" for each in results if each.verdict == "failed"] == []
    left_out = {each.case.name for each in results if each.verdict == "not for it"}
    of_one_room = {name for name, each in CASES.items() if each.needs - NEEDS_OF_README}
    assert left_out == {"python": set(), "typescript": NOT_FOR_TYPESCRIPT, "readme": of_one_room}[language]


def test_the_command_of_the_page_runs() -> None:
    [command] = blocks(read("docs/conformance.md"), "sh kit")

    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("ok   endings: close-4410 ")


async def test_each_planted_bug_fails_the_case_about_it() -> None:
    async with Kit(patience=8.0) as kit:
        judge = (kit.judge(CASES[case], PYTHON, env={"PARLEY_BUG": name}) for name, case in BUGS.items())
        results = dict(zip(BUGS, await asyncio.gather(*judge), strict=True))

    assert [name for name, result in results.items() if result.verdict != "failed"] == []
