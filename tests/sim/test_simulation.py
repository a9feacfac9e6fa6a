"""The feed and the hub keep every promise in thousands of random schedules; `python -m tests.sim` runs more of them."""

import pytest

from tests.sim.bugs import BUGS, planted
from tests.sim.checker import check
from tests.sim.schedules import explain, laboratory, run_schedules
from tests.sim.world import World

SCHEDULES = 250
DELIVERIES = 18_750  # fewer would mean that the schedules have become empty
TRIES = 200


def test_every_promise_is_kept() -> None:
    deliveries = 0

    for history, wrong in run_schedules(0, SCHEDULES):
        assert not wrong, explain(history, wrong)
        deliveries += history.deliveries

    assert deliveries > DELIVERIES


def test_a_seed_replays() -> None:
    """Two runs of one seed differ in nothing that a device can see."""
    with laboratory():
        first, second = World(7).run(), World(7).run()

    seen = [[(lineage.name, lineage.records) for lineage in history.lineages] for history in (first, second)]
    assert seen[0] == seen[1]
    assert first.deliveries > 10


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name: str) -> None:
    with planted(name) as bug:
        # Until the first: one needs more than four hundred.
        found_as = next((_kinds(wrong) for _, wrong in run_schedules(0, 3 * TRIES, bug.often) if wrong), set())

    assert found_as & bug.found_as


def test_a_harmless_change_is_not_caught() -> None:
    """A feed that begins two events behind the head only reads the log once more."""
    with planted("begin_behind_the_head"):
        found = [wrong for _, wrong in run_schedules(0, TRIES // 2) if wrong]

    assert not found


def test_the_checker_reads_the_whole_history() -> None:
    """The checker rejects a history with one receipt removed or doubled."""
    with laboratory():
        history = World(7).run()
    records = max((lineage.records for lineage in history.lineages), key=len)
    kinds = [record.kind for record in records]
    place = next(place for place in range(len(kinds)) if kinds[place : place + 2] == ["event", "event"])

    lost = records.pop(place)
    assert "lost" in _kinds(check(history))
    records[place:place] = [lost, lost]
    assert "doubled" in _kinds(check(history))


def _kinds(wrong: list[str]) -> set[str]:
    return {line.partition(":")[0] for line in wrong}
