"""The requests of REST that wait for events in this process: long polls and event streams, by session."""

import random
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import UUID

from accounts.models import Session
from realtime import admission
from realtime.close_codes import CloseCode
from realtime.limits import MAX_WAITERS_OF_SESSION, RETURNS_PER_SECOND, SOCKETS_RETRY_MS
from realtime.sessions import Sessions
from wire.client_address import client_address
from wire.problems import Problem


class Waiter(Protocol):
    """A request that waits."""

    def end(self, code: CloseCode, reason: str, *, retry_after_ms: int | None = None) -> None:
        """Answer the request now, and remove the waiter; a stream gets a goodbye."""


class Waiters:
    """The waiters of each session, the oldest first."""

    def __init__(self, sessions: Sessions) -> None:
        self.is_closed = False
        self._sessions = sessions
        self.of_session: dict[UUID, list[Waiter]] = {}

    @contextmanager
    def entered(self, waiter: Waiter, session: Session, scope: MutableMapping[str, Any]) -> Iterator[None]:
        """Count a waiter, as a socket of its address too, until it is answered or its client is gone.

        The oldest waiter of a session with too many is ended: its client may have left without a word. Raises Problem
        limit.sockets, or unavailable when the process is about to end.
        """
        if self.is_closed:
            raise Problem("unavailable", "The server restarts.")
        waiting = self.of_session.get(session.pk, [])
        if len(waiting) >= MAX_WAITERS_OF_SESSION:
            waiting[0].end(CloseCode.RATE_LIMITED, "rate_limited", retry_after_ms=SOCKETS_RETRY_MS)
        if bound := self._sessions.reached_bound(session):
            raise admission.SocketsProblem(bound)
        admission.check_sockets(client_address(scope))
        self.of_session.setdefault(session.pk, []).append(waiter)
        try:
            with admission.open_socket(scope):
                yield
        finally:
            self.discard(waiter, session)

    def discard(self, waiter: Waiter, session: Session) -> None:
        """Remove a waiter that is answered, or whose client is gone."""
        waiting = self.of_session.get(session.pk, [])
        if waiter in waiting:
            waiting.remove(waiter)
            if not waiting:
                del self.of_session[session.pk]

    def close(self) -> None:
        """End every waiter before the process ends; the clients come back at different moments."""
        self.is_closed = True
        waiters = [waiter for waiting in self.of_session.values() for waiter in waiting]
        spread_ms = max(1000, len(waiters) * 1000 // RETURNS_PER_SECOND)
        for waiter in waiters:
            waiter.end(CloseCode.RESTART, "restart", retry_after_ms=random.randrange(spread_ms + 1))
