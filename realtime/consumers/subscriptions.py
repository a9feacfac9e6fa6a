"""Subscription actions of a socket: rooms, the inbox, sync, and typing."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.db import Error as DatabaseError

from api.operations.log import SET_TYPING
from api.services import typing
from api.services.sync import SyncRequest
from realtime import database
from realtime.admission import lag
from realtime.authorization import StreamAccess
from realtime.consumers.actions import Reply, action, require_session
from realtime.consumers.authenticated import AuthenticatedConsumer
from realtime.database import read_for
from realtime.handles import SubscriptionHandle
from realtime.hub import RETRY_SECONDS
from realtime.log_entry import EventBatch
from realtime.operations import SUBSCRIBE, SYNC, UNSUBSCRIBE
from realtime.replay_plan import ReplayPlan, plan_replay
from realtime.send_queue import SendQueue
from wire.limits import charge_work
from wire.problems import Problem

logger = logging.getLogger(__name__)


class InboxSubscriber:
    """The send queue of a socket that also subscribes to the rooms that its inbox announces."""

    def __init__(self, send_queue: SendQueue, on_added: Callable[[UUID, int], None]) -> None:
        self._send_queue = send_queue
        self._on_added = on_added

    @property
    def is_full(self) -> bool:
        """Return whether the send queue is full."""
        return self._send_queue.is_full

    async def wait_writable(self) -> None:
        """Wait until the send queue takes events again."""
        await self._send_queue.wait_writable()

    def send_events(self, batch: EventBatch) -> None:
        """Send the events, and report the rooms that were added."""
        self._send_queue.send_events(batch)
        for entry in batch.entries:
            if entry.type == "room.added":
                data = orjson.loads(entry.json)["data"]
                self._on_added(UUID(data["id"]), data["seq"])


class SubscriptionActions(AuthenticatedConsumer):
    """A socket and its subscriptions, by stream."""

    # A client that subscribes to each of its rooms is answered from one query of all.
    light_actions = frozenset({SUBSCRIBE.name})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subscriptions: dict[str, SubscriptionHandle] = {}
        self.replied: list[SubscriptionHandle] = []  # to start in the next turn of the loop
        self.typing_in: dict[UUID, int] = {}  # by room, the head at which the user could write there
        self.added: dict[UUID, int] = {}  # the seq of the own join, by room that is announced and not subscribed yet

    def _running(self, stream: str) -> SubscriptionHandle | None:
        """The subscription to a stream, unless it has ended."""
        handle = self.subscriptions.get(stream)
        return handle if handle is not None and not handle.subscription.ended else None

    @action(SUBSCRIBE)
    async def subscribe(self, room_id: UUID | None, after: int | None, epoch: int | None) -> Reply:
        user_id = require_session(self.session).user_id
        access = await self.hub.log.authorize(user_id, room_id)
        plan = plan_replay(access, after, epoch)
        handle = self.hub.prepare(user_id, room_id or user_id, access, plan, self.send_queue)
        self.replied.append(handle)
        if len(self.replied) == 1:
            self.send_queue.hold()
            self.after_reply(self._start_replied)
        running = self._running(handle.feed.stream)
        return handle.reply(running.subscription if running else None), 200

    def _start_replied(self) -> None:
        """Start the subscriptions whose replies were just sent, unless the socket is closing; one that runs goes on."""
        replied, self.replied = self.replied, []
        if self.closing:
            return
        starting = []
        for handle in replied:
            stream = handle.feed.stream
            if running := self._running(stream):
                self.hub.push_synced(running)
                continue
            if self.added:
                self.added.pop(UUID(stream), None)
            self.subscriptions[stream] = handle
            starting.append(handle)
        self.hub.start_all(starting)

    @action(SYNC)
    async def sync(self, subscribe: bool, **body: Any) -> Reply:
        synced, accesses = await database.sync(SyncRequest(require_session(self.session).user_id, **body), subscribe)
        if subscribe:
            self.after_reply(self._continue_from, synced.cursors, accesses)
        return synced.data, 200

    def _continue_from(self, cursors: Mapping[UUID, int], accesses: Mapping[UUID, StreamAccess]) -> None:
        """Subscribe to every stream of a page of sync, from the seq at which the answer ended."""
        if self.closing:
            return
        user_id, began = require_session(self.session).user_id, time.thread_time()
        for stream, access in accesses.items():
            self.added.pop(stream, None)
            cursor, synced = cursors[stream], False
            if (old := self.subscriptions.get(str(stream))) is not None:
                if old.subscription.epoch == access.epoch:
                    cursor = max(cursor, old.subscription.delivered_up_to)
                synced = old.subscription.awaits_synced  # of a subscribe whose replay has not ended
                self.hub.stop(old)
            is_inbox = stream == user_id
            subscriber = InboxSubscriber(self.send_queue, self._on_room_added) if is_inbox else self.send_queue
            plan = ReplayPlan(min(cursor, access.head), access.head, access.epoch)
            handle = self.hub.prepare(user_id, stream, access, plan, subscriber)
            self.subscriptions[str(stream)] = handle
            self.hub.start(handle, synced=synced)
        charge_work(user_id, time.thread_time() - began)

    def _on_room_added(self, room_id: UUID, joined_seq: int) -> None:
        """Subscribe to a room that was added after the sync, from the own join on."""
        self.added.setdefault(room_id, joined_seq)
        self.spawn(self._subscribe_to_added(room_id))

    async def _subscribe_to_added(self, room_id: UUID) -> None:
        user_id = require_session(self.session).user_id
        while True:
            try:
                access = await self.hub.log.authorize(user_id, room_id)
                break
            except Problem:  # removed again; after another add the subscription still starts at the first join
                return
            except DatabaseError as error:  # the client relies on the subscription
                logger.warning("An added room cannot be subscribed to yet (%r): trying again", error)
                await asyncio.sleep(RETRY_SECONDS)
        joined_seq = self.added.pop(room_id, None)
        if joined_seq is not None and not self.closing and self._running(str(room_id)) is None:
            self._continue_from({room_id: joined_seq - 1}, {room_id: access})

    @action(UNSUBSCRIBE)
    async def unsubscribe(self, room_id: UUID | None) -> Reply:
        user_id = require_session(self.session).user_id
        stream = str(room_id or user_id)
        if stream not in self.subscriptions:
            await self.hub.log.authorize(user_id, room_id)  # an invisible room is not found here either
        handle = self.subscriptions.pop(stream, None)  # also one that a sync or the inbox has just started
        if handle is not None:
            self.hub.stop(handle)
        return {"room_id": room_id}, 200

    @action(SET_TYPING)
    async def typing(self, room_id: UUID, on: bool) -> Reply:
        self.typing_in.pop(room_id, None)
        if on and lag.is_late:
            return None, 204
        user_id = require_session(self.session).user_id
        head = await read_for(user_id, partial(typing.set_typing, user_id=user_id, room_id=room_id, on=on))
        if on:
            self.typing_in[room_id] = head
        if self.closing:
            self._end_typing()
        return None, 204

    def _end_typing(self) -> None:
        """End the typing of a device whose socket is gone."""
        user_id = str(require_session(self.session).user_id) if self.typing_in else ""
        for room_id, head in self.typing_in.items():
            self.hub.typing.report(str(room_id), user_id, False, head)
        self.typing_in.clear()

    def clean_up(self) -> None:
        super().clean_up()
        self._end_typing()
        for handle in self.subscriptions.values():
            self.hub.stop(handle)
        self.subscriptions.clear()
