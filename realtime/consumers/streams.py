"""Subscriptions of a socket: rooms, the inbox, and typing."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.db import Error as DatabaseError

from api.operations import SET_TYPING, SYNC
from api.services import typing
from api.services.sync import SyncRequest
from realtime import database
from realtime.authorization import StreamAccess
from realtime.consumers.actions import Reply, acting, action
from realtime.consumers.connection import Connection
from realtime.database import read_for
from realtime.feed import EventBatch, Feed, Subscription
from realtime.hub import RETRY_SECONDS, Opened, reply_of
from realtime.operations import SUBSCRIBE, UNSUBSCRIBE
from realtime.send_queue import SendQueue
from wire.problems import Problem

logger = logging.getLogger(__name__)


class InboxSink:
    """The outbox of a socket that also wants to hear the rooms that its inbox tells of."""

    def __init__(self, outbox: SendQueue, on_added: Callable[[UUID, int], None]) -> None:
        self._outbox = outbox
        self._on_added = on_added

    @property
    def full(self) -> bool:
        """Return whether the outbox is full."""
        return self._outbox.full

    async def room(self) -> None:
        """Wait until the outbox has room."""
        await self._outbox.room()

    def give(self, run: EventBatch) -> None:
        """Give the events, and point to the rooms."""
        self._outbox.give(run)
        for entry in run.entries:
            if entry.type == "room.added":
                data = orjson.loads(entry.json)["data"]
                self._on_added(UUID(data["id"]), data["seq"])


class Streams(Connection):
    """A socket and its subscriptions, by stream."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subscriptions: dict[str, tuple[Feed, Subscription]] = {}
        self.typing_in: dict[UUID, int] = {}  # by room, the head at which the user could write there
        self.added: dict[UUID, int] = {}  # by room that the inbox told of and that is not heard yet: the own join

    @action(SUBSCRIBE)
    async def subscribe(self, room_id: UUID | None, after: int | None, epoch: int | None) -> Reply:
        user_id = acting(self.session).user_id
        opened = await self.hub.open(user_id, room_id, after, epoch, self.outbox)
        self.after_reply(self.begin, opened)
        known = self.subscriptions.get(opened.feed.stream)
        if known is not None and not known[1].ended:
            return reply_of(known[1], opened), 200
        return opened.reply, 200

    def begin(self, opened: Opened) -> None:
        """Start a subscription, unless the socket is going; one that is live, perhaps since a moment ago, stays."""
        stream = opened.feed.stream
        known = self.subscriptions.get(stream)
        if self.closing:
            return
        if known is not None and not known[1].ended:
            self.hub.go_on(*known)
            return
        self.added.pop(UUID(stream), None)  # nothing is owed of a room that is heard
        self.subscriptions[stream] = (opened.feed, opened.subscription)
        self.hub.begin(opened)

    @action(SYNC)
    async def sync(self, subscribe: bool, **body: Any) -> Reply:
        synced, admissions = await database.sync(SyncRequest(acting(self.session).user_id, **body), subscribe)
        if subscribe:
            self.after_reply(self._go_on_from, synced.cursors, admissions)
        return synced.data, 200

    def _go_on_from(self, cursors: Mapping[UUID, int], admissions: Mapping[UUID, StreamAccess]) -> None:
        """Listen to every stream of the page from where the answer ended."""
        if self.closing:
            return
        user_id = acting(self.session).user_id
        for stream, admission in admissions.items():
            self.added.pop(stream, None)
            cursor, unsynced = cursors[stream], False
            if (known := self.subscriptions.get(str(stream))) is not None:
                if known[1].epoch == admission.epoch:
                    cursor = max(cursor, known[1].told)
                unsynced = known[1].unsynced  # a subscribe still waits for its end
                self.hub.end(*known)
            sink = InboxSink(self.outbox, self._follow_room) if stream == user_id else self.outbox
            known = self.hub.follow(user_id, stream, admission, min(cursor, admission.head), sink)
            self.subscriptions[str(stream)] = known
            self.hub.resume(*known, synced=unsynced)

    def _follow_room(self, room_id: UUID, joined_seq: int) -> None:
        """A socket that follows the inbox of a sync is live on a room that is added later, from the own join on."""
        self.added.setdefault(room_id, joined_seq)
        self.spawn(self._subscribe_to_added(room_id))

    async def _subscribe_to_added(self, room_id: UUID) -> None:
        user_id = acting(self.session).user_id
        while True:
            try:
                admission = await self.hub.log.admit(user_id, room_id)
                break
            except Problem:  # gone again: if the room is added once more, what was said until then is still owed
                return
            except DatabaseError as error:  # the client relies on hearing the room
                logger.warning("A room that was added cannot be followed yet (%r): trying again", error)
                await asyncio.sleep(RETRY_SECONDS)
        joined_seq = self.added.pop(room_id, None)
        known = self.subscriptions.get(str(room_id))
        if joined_seq is not None and not self.closing and (known is None or known[1].ended):
            self._go_on_from({room_id: joined_seq - 1}, {room_id: admission})

    @action(UNSUBSCRIBE)
    async def unsubscribe(self, room_id: UUID | None) -> Reply:
        user_id = acting(self.session).user_id
        stream = str(room_id or user_id)
        if stream not in self.subscriptions:
            await self.hub.log.admit(user_id, room_id)  # what is not theirs to see is not there to be left either
        known = self.subscriptions.pop(stream, None)  # also one that a sync or the inbox has just begun
        if known is not None:
            self.hub.end(*known)
        return {"room_id": room_id}, 200

    @action(SET_TYPING)
    async def typing(self, room_id: UUID, on: bool) -> Reply:
        self.typing_in.pop(room_id, None)
        user_id = acting(self.session).user_id
        head = await read_for(user_id, partial(typing.set_typing, user_id=user_id, room_id=room_id, on=on))
        if on:
            self.typing_in[room_id] = head
        if self.closing:
            self._end_typing()
        return None, 204

    def _end_typing(self) -> None:
        """A device that is gone types no longer; one that is cut off says so by its end."""
        user_id = str(acting(self.session).user_id) if self.typing_in else ""
        for room_id, head in self.typing_in.items():
            self.hub.note_typing(str(room_id), user_id, False, head)
        self.typing_in.clear()

    def clean_up(self) -> None:
        super().clean_up()
        self._end_typing()
        for feed, subscription in self.subscriptions.values():
            self.hub.end(feed, subscription)
        self.subscriptions.clear()
