"""The people of the story: Alice owns, Bob belongs, Charlie does not, and a stranger has not even logged in."""

from __future__ import annotations

import pytest

from tests.clients import Person, join_parley

pytest_plugins = ["tests.contracts.plugin"]


@pytest.fixture
def stranger(db: None) -> Person:
    return Person()


@pytest.fixture
def alice(db: None) -> Person:
    return join_parley("alice", display_name="Alice Liddell")


@pytest.fixture
def bob(db: None) -> Person:
    return join_parley("bob", display_name="Bob")


@pytest.fixture
def charlie(db: None) -> Person:
    return join_parley("charlie", display_name="Charlie")
