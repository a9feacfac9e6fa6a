"""One room, for the app: its messages, its unsent ones, who types, and everything that can be done in it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from parley_client.errors import Refused, offline, stopped
from parley_client.outbox import Sent
from parley_client.state import RoomState, in_main_line

if TYPE_CHECKING:
    from parley_client.client import Parley

Json = dict[str, Any]
PAGE = 50


class Room:
    """A room by its id, which may be one that the user does not have, yet. `Parley.room` makes it."""

    def __init__(self, parley: Parley, room_id: str) -> None:
        self.id, self._parley = room_id, parley
        self._loading: asyncio.Task[None] | None = None
        self._typed_at = 0.0
        self.read_to = 0  # of this client, not confirmed yet

    @property
    def _state(self) -> RoomState | None:
        return self._parley.world.rooms.get(self.id)

    # Reading

    @property
    def info(self) -> Json | None:
        """The Room as the server renders it, fields that this client does not know included; None: not a room of the
        user's."""
        return self._state.shape if self._state else None

    @property
    def messages(self) -> list[Json]:
        """Messages in order, without a hole up to the newest. Empty until `load`."""
        return [each for each in self._state.newest() if in_main_line(each)] if self._state else []

    @property
    def unsent(self) -> list[Json]:
        """Unsent messages in the order of writing; a refused one has the code and the detail in `refused`."""
        mine = {each["client_id"] for each in self.messages if each["sender"]["id"] == self._parley.user}
        return [each for each in self._parley.outbox.of(self.id) if each["client_id"] not in mine]

    @property
    def unread(self) -> int:
        """The number of unread messages."""
        state = self._state
        if state is None or (self.read_to > state.read_seq and self.read_to >= state.cursor):
            return 0
        return state.unread

    @property
    def read_seq(self) -> int:
        """The read marker: everything up to this seq is read."""
        return max(self.read_to, self._state.read_seq) if self._state else 0

    @property
    def typing(self) -> list[str]:
        """The ids of others who are typing."""
        return [each for each in self._state.typing if each != self._parley.user] if self._state else []

    @property
    def has_older(self) -> bool:
        """True while there are messages before those that are held."""
        return bool(self._state and self._state.more_before)

    async def load(self) -> None:
        """Load the newest page, and keep the room's messages from now on. Raises Refused."""
        self._parley.world.opened.add(self.id)
        if self._state is not None and not self._state.is_open:
            if self._loading is None or self._loading.done():
                self._loading = asyncio.ensure_future(self._page({}))
            await asyncio.shield(self._loading)

    async def older(self) -> bool:
        """Load the page before the oldest message. False when there is none. Raises Refused."""
        await self.load()
        state = self._state
        if state is not None and state.more_before:
            await self._page({"before": str(state.first)})
        return self.has_older

    async def _page(self, anchor: Json) -> None:
        state = self._state
        if state is None:
            raise offline()
        state.expect_page()
        page = await self._parley.request("get_messages", room_id=self.id, limit=PAGE, **anchor)
        if state is not self._state or (anchor and not state.is_open):
            return  # the room was loaded anew meanwhile
        state.place(page)
        for message in page["results"]:
            if message["sender"]["id"] == self._parley.user:
                self._parley.outbox.acknowledge(message)
        self._parley.world.touch(self.id)

    # Writing

    def send(self, text: str, **fields: Any) -> Sent:
        """Keep a message and send it once, in order, as soon as there is a connection. Raises Refused when stopped.

        `fields` are other fields of a send, as `metadata` and `reply_to`.
        """
        if self._parley.is_stopped:
            raise stopped()
        self._typed_at = 0.0
        return self._parley.outbox.add({"room_id": self.id, "text": text, **fields})

    def retry(self, client_id: str) -> Sent | None:
        """Send a refused message again, as the newest one."""
        unsent = self._parley.outbox.records.get(client_id)
        if unsent is None or not unsent["refused"]:
            return None
        self._parley.outbox.remove(client_id)
        return self.send(
            **{key: each for key, each in unsent.items() if key not in ("client_id", "room_id", "refused")}
        )

    def discard(self, client_id: str) -> None:
        """Remove a refused message, or one that waits."""
        self._parley.outbox.remove(client_id)

    async def edit(self, message_id: str, text: str, **fields: Any) -> Json:
        """Change a message of mine. Raises Refused."""
        body = {"room_id": self.id, "message_id": message_id, "text": text, **fields}
        message: Json = await self._parley.request("edit_message", **body)
        self._parley.sent(message)
        return message

    async def delete(self, message_id: str) -> None:
        """Delete a message. Raises Refused."""
        await self._parley.request("delete_message", room_id=self.id, message_id=message_id)

    # The read marker and typing

    async def read(self, seq: int | None = None) -> None:
        """Mark everything up to this seq as read, the newest message by default. Offline, the next connection sends it.

        Raises Refused.
        """
        state = self._state
        if state is None:
            return
        seq = state.cursor if seq is None else seq
        if seq > self.read_seq:
            self.read_to = seq
            self._parley.room_changed(self.id)
            await self.send_read()

    async def send_read(self) -> None:
        """Send the marker that the server does not have yet."""
        state = self._state
        if state is None or self.read_to <= state.read_seq:
            return
        try:
            await self._parley.request("mark_read", room_id=self.id, seq=self.read_to)
        except Refused as error:
            if not error.is_retryable:
                self.read_to = 0
                raise

    async def type(self) -> None:
        """Show that the user is typing; call it with each key."""
        if time.monotonic() - self._typed_at >= self._parley.typing_seconds:
            self._typed_at = time.monotonic()
            try:
                await self._parley.request("typing", room_id=self.id, on=True)
            except Refused:
                self._typed_at = 0.0  # nothing depends on it
