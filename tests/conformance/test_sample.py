"""Some cases of the kit for the clients in Python, one planted bug, and the tables that belong together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from parley_client.connection import FINAL_CLOSE_CODES
from planted import BUGS

import clients.conformance.cases  # noqa: F401  declares them
from clients.conformance.faults import parse_rule
from clients.conformance.run import CASES, Kit, Result
from realtime.close_codes import CloseCode
from tests.conformance.commands import PYTHON, README
from tests.docs.pages import read

SAMPLE = ("cut-before-the-reply", "edits-missed-while-closed")
SAMPLE_OF_README = ("edits-and-deletions-missed",)
BUG = "any-version"


async def test_a_sample_of_the_cases() -> None:
    """Clients that are right pass, and one with a bug fails the case that is about it."""
    async with Kit() as kit:
        judged: Sequence[Result] = await asyncio.gather(
            *(kit.judge(CASES[name], PYTHON) for name in (*SAMPLE, BUGS[BUG])),
            *(kit.judge(CASES[name], README) for name in SAMPLE_OF_README),
        )
        kit.patience = 5.0
        wrong = await kit.judge(CASES[BUGS[BUG]], PYTHON, env={"PARLEY_BUG": BUG})

    assert [(each.case.name, each.reason) for each in judged if each.verdict != "passed"] == []
    assert wrong.verdict == "failed"


def test_each_bug_has_a_case() -> None:
    assert set(BUGS.values()) <= CASES.keys()
    assert len(BUGS) == 16  # docs/conformance.md


def test_the_page_counts_the_cases() -> None:
    assert f"{len(CASES)} cases:" in read("docs/conformance.md")


def test_the_python_client_has_the_final_close_codes() -> None:
    assert {code for code in CloseCode if not code.reconnect} == FINAL_CLOSE_CODES


def test_a_rule_in_json_patches_events_of_its_type() -> None:
    rule = parse_rule({"do": "change", "on": "push", "type": "a", "event_patch": {"data": {"x": None, "y": [1]}}})
    frame = {"action": "events", "data": [{"type": "a", "data": {"x": 1}}, {"type": "b", "data": {"x": 1}}]}

    assert rule.change(frame)["data"] == [{"type": "a", "data": {"y": [1]}}, {"type": "b", "data": {"x": 1}}]
    assert frame["data"][0] == {"type": "a", "data": {"x": 1}}
