"""Random walks agree with the model of the rules; with a planted bug they do not."""

import pytest

from tests.clients import Person, join_parley
from tests.model.bugs import BUGS, Bug, planted
from tests.model.walk import Difference, Walk

pytestmark = pytest.mark.django_db

SEEDS = (2, 1)  # one of each kind of room


def make_people(seed: int) -> list[Person]:
    return [join_parley(f"{name}-{seed}") for name in ("alice", "bob", "carol", "dan")]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_server_keeps_the_rules_of_the_model(seed: int) -> None:
    Walk(make_people(seed), seed).go()


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name: str) -> None:
    with planted(name) as bug:
        found_as = next((found for seed in (*SEEDS, 3) if (found := _walk(seed, bug))), None)

    assert found_as in bug.found_as


def _walk(seed: int, bug: Bug) -> str | None:
    """Return in what the server and the model differ first."""
    try:
        Walk(make_people(seed), seed, bug.often).go()
    except Difference as difference:
        return difference.what
    return None
