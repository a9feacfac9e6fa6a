"""Fixtures of the tests of accounts: a listener for ended sessions."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest

from accounts import passwords
from accounts.signals import sessions_ended
from tests.signals import connected


@pytest.fixture(autouse=True)
def _no_wrong_passwords_yet() -> None:
    passwords.forget_all()


@pytest.fixture
def ended() -> Iterator[list[UUID]]:
    """The ids of sessions that a listener was notified of."""
    notified: list[UUID] = []

    def listen(ids: Sequence[UUID], **_: Any) -> None:
        notified.extend(ids)

    with connected(sessions_ended, listen):
        yield notified
