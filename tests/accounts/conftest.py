"""What the tests of accounts share: somebody who hears that sessions ended."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest

from accounts import passwords
from accounts.signals import sessions_ended
from tests.signals import connected


@pytest.fixture(autouse=True)
def _nobody_has_guessed() -> None:
    passwords.forget_all()


@pytest.fixture
def ended() -> Iterator[list[UUID]]:
    """The ids of the sessions whose end was told."""
    heard: list[UUID] = []

    def listen(ids: Sequence[UUID], **_: Any) -> None:
        heard.extend(ids)

    with connected(sessions_ended, listen):
        yield heard
