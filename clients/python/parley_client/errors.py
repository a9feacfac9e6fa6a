"""Errors, all with a `code`: those of the server are its problem codes."""

from __future__ import annotations

from typing import Any

OFFLINE = "client.offline"  # there is no connection, or it was lost before the answer
STOPPED = "client.stopped"  # the client was stopped, or its session has ended
STORAGE = "client.storage"  # the store failed


class Refused(Exception):
    """The only error that this package raises for what the server or the network does."""

    def __init__(self, code: str, detail: str, problem: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail
        self.problem = problem  # the server's; None when the client itself refused

    @classmethod
    def by(cls, problem: dict[str, Any]) -> Refused:
        """The error for a problem of the server."""
        return cls(str(problem["code"]), str(problem["detail"]), problem)

    @property
    def is_retryable(self) -> bool:
        """True when the same request may succeed later."""
        return bool(self.problem["retryable"]) if self.problem else self.code == OFFLINE

    @property
    def retry_after(self) -> float:
        """Seconds to wait before the next attempt; the server names them, or it is one."""
        return float((self.problem or {}).get("retry_after_ms") or 1_000) / 1000


def offline() -> Refused:
    return Refused(OFFLINE, "There is no connection to the server.")


def stopped() -> Refused:
    return Refused(STOPPED, "The client was stopped.")
