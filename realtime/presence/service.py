"""The presence of the people whom the devices of this process watch, and the leases of its own devices.

Everything but the queries runs on the event loop. The changes of devices are collected for a tick, so a device that
sets its activity right after it connects changes nothing in between. Then their leases are written, and one hint goes
to the other processes. A process that misses it, or has no Redis, reads the changed leases every POLL_SECONDS.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.db import Error as DatabaseError
from django.utils import timezone

from api.services.presence import visible_people
from eventlog.models import Event
from realtime.admission import lag
from realtime.database import in_database, read_for
from realtime.ephemeral import ephemeral_event
from realtime.log_entry import LogEntry
from realtime.presence import leases
from realtime.presence.devices import Devices
from realtime.presence.leases import Choice
from realtime.presence.people import People, Person, combine, render_state
from realtime.presence.states import Activity, Lease, State
from realtime.presence.watchers import Notices, Watcher
from realtime.seal import Message
from wire.times import format_time, parse_time

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.25
POLL_SECONDS = 2.0
RENEW_SECONDS = 10.0  # three renewals may fail before the leases end
RECHECK_SECONDS = 45.0  # between two checks of what each watcher may see; a check takes seconds at most
RETRY_SECONDS = 1.0
HINTED = 500  # leases in one hint
CHECKED = 1_000  # watchers in one check of rights
CHOICES_KEPT = 10_000


class Presence:
    """The presence of one process. It does nothing until the first device enters."""

    name = "presence"  # of its messages between processes

    def __init__(
        self,
        process: UUID,
        publish: Callable[[Message], None],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        query: Callable[..., Awaitable[Any]] = in_database,
        read_for: Callable[[UUID, Callable[[], Any]], Awaitable[Any]] = read_for,
    ) -> None:
        """`publish` sends a message to all other processes; `query` and `read_for` run a function on a thread."""
        self._process, self._publish, self._spawn = process, publish, spawn
        self._query, self._read_for = query, read_for
        self._loop = asyncio.get_running_loop()
        self.devices = Devices(self._loop.time, timezone.now)
        self.people = People()
        self.watchers: set[Watcher] = set()
        self._notices = Notices(self._loop.time)
        self._mine: dict[UUID, Lease] = {}  # of the users who are not offline by the devices here
        self._unwritten: dict[UUID, Lease] = {}
        self._unpublished: dict[UUID, Lease] = {}
        self._flushing: asyncio.Task[None] | None = None
        self._version = 0
        self._choices: dict[UUID, int] = {}  # the version of the newest choice of each session that was applied
        self._departed: set[UUID] = set()  # the users who have left a room since the last poll
        self._renewed_at: float | None = None
        self._polled_at = self._checked_at = self._loop.time()
        self._is_started = False

    # Devices

    def enter(self, key: object, session_id: UUID, user_id: UUID, activity: Activity = Activity.ACTIVE) -> None:
        """Count a device of a session, from now on."""
        if not self._is_started:
            self._is_started = True
            self._spawn(_forever(self._tick_forever))
            self._spawn(_forever(self._poll_forever))
        self.devices.enter(key, session_id, user_id, activity)

    def leave(self, key: object, user_id: UUID, *, at_once: bool = False) -> None:
        """Count a device no longer, after the time in which it may reconnect; `at_once` when its session has ended."""
        self.devices.leave(key, user_id, at_once=at_once)

    def chosen(self, choice: Choice) -> None:
        """Apply a choice that was just written to the devices of its session, on every process; from any thread."""
        self._loop.call_soon_threadsafe(self.take_choice, choice)

    def take_choice(self, choice: Choice) -> None:
        """Apply a choice of this process and publish it to the others."""
        self._apply([choice])
        session_id, user_id, activity, version = choice
        self._publish({"type": self.name, "choice": [str(session_id), str(user_id), activity, version]})

    def _apply(self, choices: Iterable[Choice]) -> None:
        for session_id, user_id, activity, version in choices:
            if version > self._choices.get(session_id, 0):
                self._choices.pop(session_id, None)
                self._choices[session_id] = version  # at the end: the oldest is the first
                self.devices.set_activities(session_id, user_id, activity)
        while len(self._choices) > CHOICES_KEPT:
            del self._choices[next(iter(self._choices))]

    # Watchers

    async def watch(self, watcher: Watcher, user_ids: Collection[UUID]) -> list[dict[str, Any]]:
        """Replace the users whom a socket watches; return their states, after which every change is sent.

        Raises Problem unavailable, or django.db.Error.
        """
        people = self.people.hold(dict.fromkeys(user_ids))
        try:
            ids = [person.user_id for person in people]
            visible, known = await self._read_for(watcher.user_id, partial(_read, watcher.user_id, ids))
            self._take(known)
            self._collect()  # the device itself may have come just now
            for person in people:
                if (mine := self._mine.get(person.user_id)) is not None:
                    person.take(mine)
            self._leave_people(watcher, keep=set(ids))
            watcher.watched = {user_id: user_id in visible for user_id in ids}
            for person in people:
                person.watchers.add(watcher)
            self.watchers.add(watcher)
            return [person.render() if person.user_id in visible else hidden_state(person.user_id) for person in people]
        finally:
            self.people.release(people)

    def unwatch(self, watcher: Watcher) -> None:
        """Remove a socket that is gone."""
        self._leave_people(watcher, keep=frozenset())
        self.watchers.discard(watcher)

    def _leave_people(self, watcher: Watcher, keep: Collection[UUID]) -> None:
        self._notices.discard(watcher)
        for user_id in watcher.watched:
            if user_id not in keep and (person := self.people.get(user_id)) is not None:
                person.watchers.discard(watcher)
                self.people.drop_unwatched(person)
        watcher.watched = {}

    def _take(self, changed: Iterable[Lease]) -> None:
        """Take leases of other processes."""
        for lease in changed:
            if lease.process != self._process and (person := self.people.take(lease)) is not None:
                self._notify(person)

    def _notify(self, person: Person) -> None:
        """Queue the new state of a person, rendered once, for all who may see it."""
        user_id = person.user_id
        if watchers := [watcher for watcher in person.watchers if watcher.watched.get(user_id)]:
            self._notices.add(updated(person.render()), user_id, watchers)

    # What other processes publish

    def receive(self, message: Message) -> None:
        """Take the changed leases or the choice of another process."""
        process = UUID(message["from"])
        if (choice := message.get("choice")) is not None:
            session_id, user_id, activity, version = choice
            self._apply([(UUID(session_id), UUID(user_id), Activity(activity), version)])
        if self.people:
            self._take(_lease_of(process, row) for row in message.get("leases", ()))

    # The work of this process

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.devices.expire()
            self._collect()
            self._flush_soon()
            if not lag.is_late:  # else they wait: of each user whom a socket watches only the newest state is kept
                self._notices.send_due()

    def _collect(self) -> None:
        """Collect the leases of users whose devices here give them another state than before."""
        for user_id, state, since in self.devices.take_changed():
            before = self._mine.get(user_id)
            if state is (State.OFFLINE if before is None else before.state):
                continue
            lease = Lease(self._process, user_id, state, since, self._next_version())
            if state is State.OFFLINE:
                del self._mine[user_id]
            else:
                self._mine[user_id] = lease
            self._unwritten[user_id] = lease
            self._unpublished[user_id] = lease
            if (person := self.people.take(lease)) is not None:
                self._notify(person)

    def _flush_soon(self) -> None:
        if self._flushing is None and (self._unwritten or self._unpublished):
            self._flushing = self._spawn(self._flush())

    async def _flush(self) -> None:
        """Write and publish the leases that have changed. Retries until the database takes them."""
        try:
            while self._unwritten or self._unpublished:
                published, self._unpublished = list(self._unpublished.values()), {}
                is_written = await self._write()
                for start in range(0, len(published), HINTED):  # after the write: a reader finds one or the other
                    rows = [
                        [str(lease.user_id), lease.state, format_time(lease.since), lease.version]
                        for lease in published[start : start + HINTED]
                    ]
                    self._publish({"type": self.name, "leases": rows})
                if not is_written:
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._flushing = None

    async def _write(self) -> bool:
        written, self._unwritten = self._unwritten, {}
        try:
            await self._renew()
            await self._query(leases.write, self._process, list(written.values()))
        except (DatabaseError, TimeoutError) as error:
            logger.warning("The leases of presence could not be written (%r): trying again", error)
            self._unwritten = written | self._unwritten
            return False
        return True

    async def _renew(self) -> None:
        """Renew the leases when they are due; where others may have ended them, all are written again."""
        now, renewed_at = self._loop.time(), self._renewed_at
        if renewed_at is not None and now - renewed_at < RENEW_SECONDS:
            return
        is_known = await self._query(leases.renew, self._process)
        self._renewed_at = now
        if renewed_at is not None and (not is_known or now - renewed_at > leases.DEAD_SECONDS - RENEW_SECONDS):
            for user_id, lease in self._mine.items():
                self._mine[user_id] = self._unwritten[user_id] = lease._replace(version=self._next_version())

    async def _poll_forever(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._poll()
            except (DatabaseError, TimeoutError) as error:
                logger.warning("The leases of presence could not be read (%r): trying again", error)

    async def _poll(self) -> None:
        now = self._loop.time()
        if self._mine and (self._renewed_at is None or now - self._renewed_at >= RENEW_SECONDS):
            await self._renew()
            await self._query(leases.end_dead)
            self._flush_soon()
        if self.devices:
            self._apply(await self._query(leases.read_choices, now - self._polled_at))
        if self.people:
            changes = await self._query(leases.read_changes, self._process, now - self._polled_at)
            self._take(changes.leases)
            changes.dead.pop(self._process, None)
            for person in self.people.end_processes(changes.dead):
                self._notify(person)
            departed, self._departed = self._departed, set()  # after a failure `recheck` still finds them
            if changed := departed.union(changes.blockers):
                await self.recheck_users(changed)
        self._polled_at = now
        if now - self._checked_at >= RECHECK_SECONDS:
            self._checked_at = now
            await self.recheck()

    async def recheck(self) -> None:
        """Check again what each watcher may see, and read all leases again: a change may have been missed."""
        await self._check({watcher: watcher.watched for watcher in self.watchers})
        people = list(self.people)
        for start in range(0, len(people), CHECKED):
            self._take(await self._query(leases.read, people[start : start + CHECKED]))

    def recheck_soon(self, user_id: UUID) -> None:
        """Start to check again what a user may see, and who may see them: their blocks have changed."""
        if self.people:
            self._spawn(self.recheck_users({user_id}))

    def end_memberships(self, stream: str, appended: Iterable[LogEntry]) -> None:
        """Check again at the next poll what users may see who have left a room, and who may see them."""
        if not self.people:
            return
        for entry in appended:
            self._departed.update(UUID(user) for user, joins in entry.membership_changes.items() if not joins)
            if entry.type == "room.removed":  # in an inbox: its user may follow no room here
                self._departed.add(UUID(stream))

    async def recheck_users(self, user_ids: Collection[UUID]) -> None:
        """Check again what these users may see, and who may see them, because of a block or a room left."""
        rights: dict[Watcher, Collection[UUID]] = {}
        for watcher in self.watchers:
            if watcher.user_id in user_ids:
                rights[watcher] = watcher.watched
            elif seen := [user_id for user_id in user_ids if user_id in watcher.watched]:
                rights[watcher] = seen
        await self._check(rights)

    async def _check(self, rights: Mapping[Watcher, Collection[UUID]]) -> None:
        watchers = list(rights)
        for start in range(0, len(watchers), CHECKED):
            known = {
                watcher: {
                    user_id: seen for user_id in rights[watcher] if (seen := watcher.watched.get(user_id)) is not None
                }
                for watcher in watchers[start : start + CHECKED]
            }
            for watcher, user_id, is_visible in await self._query(_changed_rights, known):
                self._set_visible(watcher, user_id, is_visible)

    def _set_visible(self, watcher: Watcher, user_id: UUID, is_visible: bool) -> None:
        person = self.people.get(user_id)
        if person is None or watcher.watched.get(user_id) is not (not is_visible):
            return
        watcher.watched[user_id] = is_visible
        state = person.render()
        if state != hidden_state(user_id):  # else the watcher knows this state
            entry = updated(state if is_visible else hidden_state(user_id))
            self._notices.add(entry, user_id, [watcher])

    def commit_block(self, event: Event) -> None:
        """Apply a block that this process has just committed, at once; after its end the rights are read again."""
        user_id, other_id = event.stream, UUID(orjson.loads(event.data)["user_id"])
        if event.type == "block.removed":
            self.recheck_soon(user_id)
            return
        for viewer, target in ((user_id, other_id), (other_id, user_id)):
            person = self.people.get(target)
            for watcher in tuple(person.watchers) if person is not None else ():
                if watcher.user_id == viewer:
                    self._set_visible(watcher, target, False)

    def _next_version(self) -> int:
        # In microseconds, and greater than the last one also when the clock goes back.
        self._version = max(self._version + 1, time.time_ns() // 1_000)
        return self._version


def hidden_state(user_id: UUID) -> dict[str, Any]:
    """Render the state of a user whom the watcher may not see, or who never was online."""
    return render_state(user_id, State.OFFLINE, None)


def updated(state: dict[str, Any]) -> LogEntry:
    """Render the event for a changed state."""
    return ephemeral_event("", "presence.updated", state, inbox=True).entries[0]


def read_states(viewer_id: UUID, user_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """Read the states of users as this user may see them. For a thread with a connection."""
    ids = list(dict.fromkeys(user_ids))
    visible, known = _read(viewer_id, ids)
    by_user: dict[UUID, list[Lease]] = {user_id: [] for user_id in ids}
    for lease in known:
        by_user[lease.user_id].append(lease)
    return [
        render_state(user_id, *combine(of_user)) if user_id in visible else hidden_state(user_id)
        for user_id, of_user in by_user.items()
    ]


def _read(viewer_id: UUID, user_ids: Sequence[UUID]) -> tuple[set[UUID], list[Lease]]:
    return visible_people({viewer_id: user_ids})[viewer_id], leases.read(user_ids)


def _changed_rights(rights: dict[Watcher, dict[UUID, bool]]) -> list[tuple[Watcher, UUID, bool]]:
    """Return the watchers and users between whom the right to see has changed, with the right as it is now."""
    wanted: dict[UUID, set[UUID]] = {}
    for watcher, watched in rights.items():
        wanted.setdefault(watcher.user_id, set()).update(watched)
    visible = visible_people(wanted)
    return [
        (watcher, user_id, not was_visible)
        for watcher, watched in rights.items()
        for user_id, was_visible in watched.items()
        if (user_id in visible[watcher.user_id]) is not was_visible
    ]


def _lease_of(process: UUID, row: Sequence[Any]) -> Lease:
    user_id, state, since, version = row
    at: datetime | None = parse_time(since)
    if at is None:
        raise ValueError(since)
    return Lease(process, UUID(user_id), State(state), at, version)


async def _forever(loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        try:
            await loop()
        except Exception:
            logger.exception("A loop of presence failed and starts again")
        await asyncio.sleep(RETRY_SECONDS)
