"""Fixtures of the tests of accounts: a listener for ended sessions, and a mail server."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest

from accounts import passwords
from accounts.signals import sessions_ended
from tests.mailbox import Mailbox
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


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    """An SMTP server, and the settings that send the server's mail to it."""
    box = Mailbox()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
    settings.DEFAULT_FROM_EMAIL = "Parley <no-reply@example.com>"
    settings.PUBLIC_URL = "https://chat.example.com"
    box.start()
    yield box
    box.stop()
