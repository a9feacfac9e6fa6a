"""The users whom the local users block: one set for each, which all subscriptions of the user share.

A set is loaded with the authorization of a subscription, changed by the events of the user's inbox, and loaded again
when this process, another one, or the verification of sessions finds that it is out of date.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any
from uuid import UUID
from weakref import WeakValueDictionary

import orjson
from django.db import Error as DatabaseError

from api.services.blocks import BlockState
from eventlog.models import Event
from realtime.seal import Message

if TYPE_CHECKING:
    from realtime.log_entry import LogEntry

logger = logging.getLogger(__name__)

BLOCK_EVENTS = frozenset({"block.added", "block.removed"})
RETRY_SECONDS = 0.2


class Blocked(set[str]):
    """The ids of the users whom one user blocks; empty for most users."""

    __slots__ = ("announced", "epoch", "seq")

    def __init__(self) -> None:
        super().__init__()
        self.epoch, self.seq = 0, 0  # of the last change that was loaded
        self.announced = 0  # the seq of the newest change that is known; the events before it may be unknown

    def load(self, state: BlockState) -> None:
        """Take the state of the database, unless a newer change is known."""
        if state.epoch > self.epoch or (state.epoch == self.epoch and state.seq >= max(self.seq, self.announced)):
            self.epoch, self.seq, self.announced = state.epoch, state.seq, state.seq
            self.clear()
            self.update(state.ids)

    def apply(self, entry: "LogEntry") -> None:
        """Apply an event of the inbox."""
        self.change(orjson.loads(entry.json)["data"]["user_id"], entry.seq, is_blocked=entry.type == "block.added")

    def change(self, user_id: str, seq: int, *, is_blocked: bool) -> None:
        """Block or unblock a user. A change before this one may be missing until the next load."""
        if seq <= self.seq:
            return
        self.announced = max(self.announced, seq)
        if is_blocked:
            self.add(user_id)
        else:
            self.discard(user_id)


class BlockLists:
    """The sets of the local users, as long as they have a subscription."""

    def __init__(
        self,
        load: Callable[[UUID], Awaitable[BlockState]],
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        announce: Callable[[Message], None],
        on_changed: Callable[[UUID], None],
    ) -> None:
        """`announce` publishes a message to all other processes; `on_changed` gets a user whose blocks have changed."""
        self._load, self._spawn, self._announce, self._on_changed = load, spawn, announce, on_changed
        self._lists: WeakValueDictionary[str, Blocked] = WeakValueDictionary()
        self._loading: set[str] = set()

    def of(self, user_id: str, state: BlockState | None) -> Blocked:
        """Return the set of a user; `state` is that of an authorization, None for a user who never blocked anybody."""
        blocked = self._lists.get(user_id)
        if blocked is None:
            blocked = self._lists[user_id] = Blocked()
        if state is not None:
            blocked.load(state)
        return blocked

    def commit(self, event: Event) -> None:
        """Apply a change that this process has just committed: it is in force from the reply on."""
        user_id = str(event.stream)
        if (blocked := self._lists.get(user_id)) is not None:
            blocked.change(orjson.loads(event.data)["user_id"], event.seq, is_blocked=event.type == "block.added")
            self.compare(user_id, event.seq)
        self._on_changed(event.stream)
        self._announce({"type": "blocks", "user": user_id, "seq": event.seq})

    def receive(self, message: Message) -> None:
        """Take the announcement of another process."""
        self.compare(message["user"], message["seq"])
        self._on_changed(UUID(message["user"]))

    def compare(self, user_id: str, seq: int) -> None:
        """Compare the set of a user with the seq of the last change in the database, and load it if they differ."""
        blocked = self._lists.get(user_id)
        if blocked is not None and seq != blocked.seq and user_id not in self._loading:
            self._loading.add(user_id)
            self._spawn(self._reload(user_id, blocked))

    async def _reload(self, user_id: str, blocked: Blocked) -> None:
        try:
            while True:
                try:
                    blocked.load(await self._load(UUID(user_id)))
                except DatabaseError as error:
                    logger.warning("The blocks of a user could not be read (%r): trying again", error)
                if blocked.seq >= blocked.announced:
                    return
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._loading.discard(user_id)
