"""A real SMTP server for the tests: it keeps what it receives, and can refuse recipients."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession

from tests.services import free_port


class Mailbox:
    """An SMTP server on a loopback port. `answer` is what it says to each recipient."""

    def __init__(self) -> None:
        self.port = free_port()
        self.answer = "250 OK"
        self.received: list[EmailMessage] = []
        self._controller: Any = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._controller = Controller(_Handler(self), hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    @property
    def links(self) -> list[str]:
        """The links of all messages, oldest first."""
        return [link for message in self.received for link in re.findall(r"https?://\S+", message.get_content())]

    @property
    def token(self) -> str:
        """The token of the newest link."""
        return self.links[-1].partition("#token=")[2]


class _Handler:
    """The callbacks of aiosmtpd, which evaluates every property of this object."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_RCPT(
        self, server: SMTP, session: SmtpSession, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._mailbox.answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self._mailbox.answer

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        assert isinstance(message, EmailMessage)
        assert envelope.rcpt_tos == [message["To"]]
        self._mailbox.received.append(message)
        return "250 OK"
