"""What the tests of accounts share: somebody who hears that sessions ended."""

from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest

from accounts import events, passwords


@pytest.fixture(autouse=True)
def _nobody_has_guessed() -> None:
    passwords.forget_all()


@pytest.fixture
def ended() -> Iterator[list[UUID]]:
    """The ids of the sessions whose end was told."""
    heard: list[UUID] = []

    def listen(ids: Sequence[UUID]) -> None:
        heard.extend(ids)

    events.on_sessions_ended.append(listen)
    yield heard
    events.on_sessions_ended.remove(listen)
