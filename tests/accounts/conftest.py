"""Fixtures of the tests of accounts: a listener for ended sessions."""

from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest

from accounts import events, passwords


@pytest.fixture(autouse=True)
def _no_wrong_passwords_yet() -> None:
    passwords.forget_all()


@pytest.fixture
def ended() -> Iterator[list[UUID]]:
    """The ids of sessions that a listener was notified of."""
    notified: list[UUID] = []

    def listen(ids: Sequence[UUID]) -> None:
        notified.extend(ids)

    events.on_sessions_ended.append(listen)
    yield notified
    events.on_sessions_ended.remove(listen)
