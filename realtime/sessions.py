"""The sessions of this process's sockets, verified on every session-ended notification and every 1.5 s."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import OuterRef
from django.utils import timezone

from accounts.authentication import make_finder, touch, touch_every
from accounts.ended import ended_in_memory
from accounts.models import Session, User
from api.models import BlockList
from eventlog.models import Epoch
from realtime.batching import BatchLoader
from realtime.close_codes import CloseCode
from realtime.database import in_database
from realtime.limits import MAX_SOCKETS_OF_SESSION, MAX_SOCKETS_OF_USER
from wire.problems import Problem

logger = logging.getLogger(__name__)

VERIFY_SECONDS = 1.5  # with the query, within the two seconds that are promised
RETRY_SECONDS = 0.2
WARN_SECONDS = 60
MAX_TOKENS_PER_QUERY = 100

Found = tuple[Session, int]

find_sessions = make_finder(epoch=Epoch.as_expression())


class Socket(Protocol):
    """The part of a consumer that the verification uses."""

    session: Session | None

    def end(self, code: int, reason: str, *, retry_after_ms: int | None = None) -> None:
        """Send a goodbye and close; no other frame is sent from this instant."""

    def warn_of_expiry(self, expires_at: datetime) -> None:
        """Notify the client, once for each time, that its session will end."""


class Sessions:
    """The authenticated sockets of this process, by session."""

    def __init__(self, on_blocks: Callable[[str, int], None] = lambda user_id, seq: None) -> None:
        """`on_blocks` gets the user and the seq of the last change of their blocks, with each verification."""
        self._on_blocks = on_blocks
        self.sockets: dict[UUID, set[Socket]] = {}
        self._of_user: Counter[UUID] = Counter()
        self._tokens: BatchLoader[str, Found] = BatchLoader(
            lambda tokens: in_database(_find, tokens), MAX_TOKENS_PER_QUERY
        )
        self._used: set[UUID] = set()  # by a socket that was opened since the last use was recorded
        self._touched_at = timezone.now()

    async def find(self, token: str) -> Found:
        """Find the session of a token, and the epoch of the log; concurrent requests share a query.

        Raises Problem auth.invalid_token or auth.account_disabled, or django.db.Error.
        """
        return await self._tokens.load(token)

    def add(self, socket: Socket, session: Session) -> None:
        """Add a socket that this session authenticates."""
        self.sockets.setdefault(session.pk, set()).add(socket)
        self._of_user[session.user_id] += 1
        self._used.add(session.pk)

    def reached_bound(self, session: Session) -> int | None:
        """Return the greatest number of sockets in this process that the session, or its user, has reached, or None."""
        if not settings.RATE_LIMITS:
            return None
        if len(self.sockets.get(session.pk, ())) >= MAX_SOCKETS_OF_SESSION:
            return MAX_SOCKETS_OF_SESSION
        return MAX_SOCKETS_OF_USER if self._of_user[session.user_id] >= MAX_SOCKETS_OF_USER else None

    def discard(self, socket: Socket, session: Session) -> None:
        """Remove a socket that is gone, or that continues with another session."""
        sockets = self.sockets.get(session.pk, set())
        if socket in sockets:
            sockets.discard(socket)
            self._of_user[session.user_id] -= 1
            if not self._of_user[session.user_id]:
                del self._of_user[session.user_id]
        if not sockets:
            self.sockets.pop(session.pk, None)

    def end_all(self, code: CloseCode, reason: str) -> None:
        """Close every socket of the process."""
        for socket in [socket for sockets in self.sockets.values() for socket in sockets]:
            socket.end(code, reason)

    async def verify_forever(self) -> None:
        """Verify all sessions again and again, with two queries each time."""
        while True:
            await asyncio.sleep(VERIFY_SECONDS)
            await self.verify(list(self.sockets))
            await self._touch()

    async def verify(self, ids: Iterable[str | UUID]) -> None:
        """Look these sessions up, with retries, and close the sockets of those that have ended."""
        wanted = [session if isinstance(session, UUID) else UUID(session) for session in ids]
        for session in set(wanted).intersection(ended_in_memory()):  # known without the database, which may be away
            self._check(session, None, False)
        while local := [session for session in wanted if session in self.sockets]:
            sockets = [socket for session in local for socket in self.sockets[session]]
            users = {socket.session.pk: socket.session.user_id for socket in sockets if socket.session}
            try:
                rows, disabled = await in_database(_look_up, local, list(set(users.values())))
            except DatabaseError as error:
                logger.warning("The sessions could not be verified (%r): trying again", error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            for session in local:
                expires_at, blocks_seq = rows.get(session, (None, None))
                if blocks_seq is not None:
                    self._on_blocks(str(users[session]), blocks_seq)
                self._check(session, expires_at, users.get(session) in disabled)
            return

    def _check(self, session: UUID, expires_at: datetime | None, is_disabled: bool) -> None:
        """Close the sockets of a session that has ended or expired; warn those of one that will expire soon."""
        now = timezone.now()
        for socket in tuple(self.sockets.get(session, ())):
            if is_disabled:
                socket.end(CloseCode.ACCOUNT_DISABLED, "account_disabled")
            elif expires_at is None:
                socket.end(CloseCode.SESSION_REVOKED, "session_revoked")
            elif expires_at <= now:
                socket.end(CloseCode.TOKEN_EXPIRED, "token_expired")
            elif expires_at <= now + timedelta(seconds=WARN_SECONDS):
                socket.warn_of_expiry(expires_at)

    async def _touch(self) -> None:
        """Record once a minute the use of each session with a socket, also when the socket has closed meanwhile.

        The handshake does not, because many are looked up in one query. A session that was idle all its time ends even
        when its device connects in the last minute.
        """
        now = timezone.now()
        used = self._used | self.sockets.keys()
        if not used or now - self._touched_at < touch_every():
            return
        self._touched_at, self._used = now, set()
        try:
            await in_database(_slide, list(used), now)
        except DatabaseError as error:
            self._used |= used
            logger.warning("The use of the sessions could not be recorded (%r)", error)


def _find(tokens: Sequence[str]) -> list[Found | Exception]:
    return [each if isinstance(each, Problem) else (each, vars(each)["epoch"]) for each in find_sessions(tokens)]


def _look_up(
    ids: Sequence[UUID], user_ids: Sequence[UUID]
) -> tuple[dict[UUID, tuple[datetime, int | None]], set[UUID]]:
    """Read the expiry of each session that still exists, with the seq at which its user's blocks changed; and the
    deactivated users (without the deleted ones)."""
    sessions = Session.objects.filter(pk__in=ids).exclude(pk__in=ended_in_memory())
    found = sessions.annotate(blocks=BlockList.version_of(OuterRef("user_id")))
    rows = {pk: (expires_at, seq) for pk, expires_at, seq in found.values_list("pk", "expires_at", "blocks")}
    disabled = User.objects.filter(pk__in=user_ids, is_active=False, deleted_at=None)
    return rows, set(disabled.values_list("pk", flat=True))


def _slide(ids: Sequence[UUID], now: datetime) -> None:
    for session in Session.objects.live().filter(pk__in=ids, last_used_at__lt=now - touch_every()):
        touch(session, now)
