"""Events that are never in the log: notices of a stream, typing, drafts, and markers of others."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any, ClassVar, Protocol
from uuid import UUID

import orjson
from django.utils import timezone

from eventlog.models import Event
from realtime.admission import lag
from realtime.feed_registry import FeedRegistry
from realtime.log_entry import EventBatch, LogEntry
from realtime.seal import Message
from wire import strict_json
from wire.fields import format_time

TYPING_RESEND_MS = 5_000
TYPING_EXPIRE_MS = 15_000
MARKER_SECONDS = 1.0  # between two read markers of one member
TYPING_USERS = 100  # nobody reads more names than that, and the set is sent whole
TICK_SECONDS = 0.25

Publish = Callable[[str, Message], None]  # a message to the other processes that have the stream


class EphemeralFeature(Protocol):
    """A kind of ephemeral events. The hub calls it on the event loop, and finds it by its two names."""

    name: ClassVar[str]  # the type of its messages between processes
    event_type: ClassVar[str]  # the type of the events of services that it takes

    def publish(self, event: Event) -> None:
        """Take an event of this process: deliver it here, and publish it to the other processes."""

    def receive(self, message: Message) -> None:
        """Take a message of another process."""

    def tick(self) -> None:
        """Send due events and drop expired state; called every TICK_SECONDS."""


def ephemeral_event(
    stream: str,
    kind: str,
    data: dict[str, Any],
    *,
    inbox: bool = False,
    actor_id: str | None = None,
    at: str | None = None,
) -> EventBatch:
    """Build an event without a seq: it may be lost and is never replayed. Its time is `at`, or now."""
    event = {
        "type": kind,
        "room_id": None if inbox else stream,
        "seq": None,
        "at": at or format_time(timezone.now()),
        "actor_id": actor_id,
        "data": data,
    }
    return EventBatch([LogEntry(0, kind, strict_json.dumps(event))])


class Typing:
    """The users who type in each local room: the full set after each change, and again while somebody goes on typing.

    A user whose typing is not repeated within TYPING_EXPIRE_MS is dropped; clients do the same with a set. A message
    ends its sender's typing, a leave or a removal the former member's. Each process has its own sets.
    """

    name: ClassVar[str] = "typing"
    event_type: ClassVar[str] = "typing"

    def __init__(self, feeds: FeedRegistry, publish: Publish) -> None:
        self._feeds, self._publish = feeds, publish
        self._clock = asyncio.get_running_loop().time
        self.users: dict[str, set[str]] = {}  # by stream; only of streams in which somebody types
        self._expiries: dict[tuple[str, str], tuple[float, int]] = {}  # (time, head) by stream and user, oldest first
        self._sent_at: dict[str, float] = {}

    def publish(self, event: Event) -> None:
        """Take a typing event of a service."""
        self.report(str(event.stream), str(event.actor_id), orjson.loads(event.data)["on"], event.min_seq)

    def report(self, stream: str, user_id: str, on: bool, head: int) -> None:
        """Note that a user types or stops, here and on the other processes; `head` is where they were a member.

        A late event loop leaves out who begins.
        """
        if on and lag.is_late:
            return
        self._update(stream, user_id, on, head)
        self._publish(stream, {"type": self.name, "stream": stream, "user": user_id, "on": on, "min": head})

    def receive(self, message: Message) -> None:
        """Note that a user types or stops on another process; a late event loop leaves out who begins."""
        if message["on"] and lag.is_late:
            return
        self._update(message["stream"], message["user"], message["on"], message["min"])

    def tick(self) -> None:
        """Drop the users whose typing has expired."""
        now = self._clock()
        while self._expiries:
            (stream, user_id), (expires_at, head) = next(iter(self._expiries.items()))
            if expires_at > now:
                return
            self._change(stream, user_id, False, head)

    def end_with(self, stream: str, entries: Iterable[LogEntry]) -> None:
        """End the typing of users who sent a message, left or were removed in these delivered events."""
        for entry in entries:
            done = {user for user, is_member in entry.membership_changes.items() if not is_member}
            if entry.type == "message.created":
                done.add(orjson.loads(entry.json)["actor_id"])
            for user in done & self.users.get(stream, set()):
                self._change(stream, user, False, entry.seq)

    def _update(self, stream: str, user_id: str, on: bool, head: int) -> None:
        if stream in self._feeds:  # without a feed no message would end it here
            self._change(stream, user_id, on, head)

    def _change(self, stream: str, user_id: str, on: bool, head: int) -> None:
        users = self.users.setdefault(stream, set())
        was_typing = user_id in users
        users.discard(user_id)
        self._expiries.pop((stream, user_id), None)
        now = self._clock()
        if on and len(users) < TYPING_USERS:
            users.add(user_id)
            self._expiries[stream, user_id] = now + TYPING_EXPIRE_MS / 1000, head
        is_old = now - self._sent_at.get(stream, 0.0) > 2 * TYPING_RESEND_MS / 1000
        if was_typing != (user_id in users) or (users and is_old):
            self._sent_at[stream] = now
            if feed := self._feeds.get(stream):
                hide = partial(_hide_typing, stream, frozenset(users), user_id)
                feed.send_ephemeral(ephemeral_event(stream, "typing", {"user_ids": sorted(users)}), head, hide)
        if not users:
            del self.users[stream]
            self._sent_at.pop(stream, None)


def _hide_typing(stream: str, users: frozenset[str], changed: str, blocked: Collection[str]) -> EventBatch | None:
    """Return the set without blocked users, for a viewer who blocks them; None if nothing else has changed."""
    seen = sorted(user for user in users if user not in blocked)
    if changed not in blocked or seen:
        return ephemeral_event(stream, "typing", {"user_ids": seen})
    return None  # the set of this viewer is as it was


class DraftNotices:
    """Changes of drafts, for the other devices of the user: each goes to the user's inbox at once."""

    name: ClassVar[str] = "draft"
    event_type: ClassVar[str] = "draft.updated"

    def __init__(self, feeds: FeedRegistry, publish: Publish) -> None:
        self._feeds, self._publish = feeds, publish

    def publish(self, event: Event) -> None:
        """Deliver a change here, and publish it to the other processes."""
        stream, data = str(event.stream), orjson.loads(event.data)
        self._deliver(stream, data)
        self._publish(stream, {"type": self.name, "stream": stream, "data": data})

    def receive(self, message: Message) -> None:
        """Deliver a change of another process."""
        self._deliver(message["stream"], message["data"])

    def tick(self) -> None:
        """Do nothing: no change waits."""

    def _deliver(self, stream: str, data: dict[str, Any]) -> None:
        if feed := self._feeds.get(stream):
            event = ephemeral_event(stream, self.event_type, data, inbox=True, actor_id=stream)
            feed.send_ephemeral(event, 0)


class ReadMarkers:
    """Read markers of others: the newest of each member, at most one in MARKER_SECONDS."""

    name: ClassVar[str] = "tell"  # the name of 0.1.0; old and new processes run side by side during an update
    event_type: ClassVar[str] = "read.updated"

    def __init__(self, feeds: FeedRegistry, publish: Publish) -> None:
        self._feeds, self._publish = feeds, publish
        self._clock = asyncio.get_running_loop().time
        # By room and member, oldest first: when the last marker was sent, and the newest one since then.
        self._sent: dict[tuple[UUID, UUID | None], tuple[float, Event | None]] = {}

    def publish(self, event: Event) -> None:
        """Send a marker at once, or with a later tick when this member's last one was sent just before."""
        key = (event.stream, event.actor_id)
        if key in self._sent:
            self._sent[key] = self._sent[key][0], event
            return
        self._sent[key] = self._clock(), None
        self.send(str(event.stream), EventBatch([LogEntry(0, event.type, event.json())]), event.min_seq)

    def send(self, stream: str, batch: EventBatch, min_seq: int) -> None:
        """Deliver a rendered event to the members who are up to date, here and on the other processes."""
        self._deliver(stream, batch, min_seq)
        self._publish(stream, {"type": self.name, "stream": stream, "min": min_seq, "json": [batch.entries[0].json]})

    def receive(self, message: Message) -> None:
        """Deliver a rendered event of another process."""
        self._deliver(message["stream"], EventBatch([LogEntry(0, "", message["json"][0])]), message["min"])

    def tick(self) -> None:
        """Send the markers that waited."""
        now = self._clock()
        while self._sent:
            key, (sent_at, event) = next(iter(self._sent.items()))
            if now - sent_at < MARKER_SECONDS:
                return
            del self._sent[key]
            if event is not None:
                self.publish(event)

    def _deliver(self, stream: str, batch: EventBatch, min_seq: int) -> None:
        if feed := self._feeds.get(stream):
            feed.send_ephemeral(batch, min_seq)


class DeliveryMarkers(ReadMarkers):
    """Delivery markers of others, sent as read markers are."""

    name: ClassVar[str] = "delivered"
    event_type: ClassVar[str] = "delivered.updated"
