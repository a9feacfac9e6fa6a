"""The answers to a socket's client: replies to frames, and the close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# What a viewer who blocks its sender receives in place of a message; the other fields are kept.
STUB: dict[str, Any] = {
    "text": None,
    "metadata": {},
    "reply_to": None,
    "forwarded": None,
    "attachments": [],
    "mentions": {"users": [], "room": False},
    "blocked": True,
}


@dataclass(frozen=True)
class Reply:
    """The one answer to a frame."""

    frame: dict[str, Any]

    @property
    def status(self) -> int:
        return int(self.frame["response_status"])

    @property
    def data(self) -> Any:
        return self.frame["data"]

    @property
    def code(self) -> str | None:
        """The problem's code, or None after a success."""
        errors = self.frame["errors"]
        return str(errors[0]["code"]) if errors else None

    @property
    def refusal(self) -> tuple[int, str | None]:
        return self.status, self.code

    @property
    def fields(self) -> dict[str, str]:
        """The invalid fields with their codes."""
        return {error["field"]: error["code"] for error in self.frame["errors"][0]["errors"]}


@dataclass(frozen=True)
class End:
    """The close of a socket by the server."""

    code: int
    reason: str
    goodbye: dict[str, Any] | None
