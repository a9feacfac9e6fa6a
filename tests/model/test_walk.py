"""Random walks agree with the model of the rules, and planted bugs do not."""

import pytest

from tests.clients import Person, join_parley
from tests.model.walk import Walk

SEEDS = (1, 2)  # one of each kind of room


@pytest.fixture
def people(db: None) -> list[Person]:
    return [join_parley(name) for name in ("alice", "bob", "carol", "dan")]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_server_keeps_the_rules_of_the_model(people: list[Person], seed: int) -> None:
    Walk(people, seed).go()
