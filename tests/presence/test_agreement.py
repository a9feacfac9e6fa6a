"""Processes that agree on the presence of a user, through the database alone or with hints."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from django.db.models.functions import Now

from eventlog.models import Event
from realtime.log_entry import EventBatch
from realtime.models import PresenceLease, PresenceProcess
from realtime.presence import leases, service, watchers
from realtime.presence.devices import GRACE_SECONDS
from realtime.presence.service import Presence, read_states
from realtime.presence.states import Activity
from realtime.presence.watchers import Watcher
from realtime.seal import Message
from tests.api.stories import make_room, post_message
from tests.clients import Person
from tests.signals import collect_commits
from tests.threads import closing_connections

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 30.0


async def query(function: Callable[..., Any], *args: Any) -> Any:
    """Run a function on a thread that keeps no connection."""
    return await asyncio.to_thread(closing_connections(lambda _: function(*args)), None)


async def read_for(user_id: UUID, function: Callable[[], Any]) -> Any:
    return await query(function)


class Mailbox:
    """The send queue of a socket: it keeps the states of each frame."""

    is_full = False

    def __init__(self) -> None:
        self.frames: list[list[str]] = []

    def send_events(self, batch: EventBatch) -> None:
        """Keep the frame."""
        events = orjson.loads(batch.frame["text"])["data"]
        self.frames.append([event["data"]["state"] for event in events])

    @property
    def states(self) -> list[str]:
        return [state for frame in self.frames for state in frame]


class Process:
    """The presence of a process. Its messages reach `others`."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self.id = uuid4()
        self.others: list[Process] = []
        self.hints = 0
        self.presence = Presence(self.id, self.publish, self.spawn, query, read_for)

    def publish(self, message: Message) -> None:
        self.hints += 1
        for other in self.others:
            other.presence.receive({**message, "from": self.id.hex})

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.tasks.append(asyncio.ensure_future(work))
        return self.tasks[-1]

    def connect(self, person: Person) -> str:
        """Open a device of a person."""
        key = uuid4().hex
        self.presence.enter(key, person.session.pk, person.user.id)
        return key

    async def watch(self, watcher: Person, *people: Person) -> tuple[Watcher, Mailbox, list[str]]:
        """Watch people from a device of another; return their states too."""
        mailbox = Mailbox()
        self.connect(watcher)
        socket = Watcher(watcher.user.id, mailbox)
        states = await self.presence.watch(socket, [person.user.id for person in people])
        return socket, mailbox, [state["state"] for state in states]

    def die(self) -> None:
        """End without a word."""
        for task in self.tasks:
            task.cancel()


@asynccontextmanager
async def processes(*, hints: bool) -> AsyncIterator[tuple[Process, Process]]:
    here, there = Process(), Process()
    if hints:
        here.others, there.others = [there], [here]
    try:
        yield here, there
    finally:
        for process in (here, there):
            process.die()
        tasks = [*here.tasks, *there.tasks]
        if tasks:
            await asyncio.wait(tasks)


async def until(is_so: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            found = is_so()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


async def renewed_before(process: Process, seconds: float) -> None:
    """Make the last renewal of a process so old."""
    row = PresenceProcess.objects.filter(pk=process.id)
    await query(lambda: row.update(renewed_at=Now() - timedelta(seconds=seconds)))


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(service, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(watchers, "FRAME_SECONDS", 0.05)


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    """A room that Alice made and in which Bob has written."""
    room = make_room(alice, members=[bob])
    post_message(bob, room, "Here I am.")
    return room


@pytest.mark.parametrize("hints", [True, False])
@pytest.mark.usefixtures("room")
async def test_a_watcher_learns_of_a_device_on_another_process(alice: Person, bob: Person, hints: bool) -> None:
    async with processes(hints=hints) as (here, there):
        _, mailbox, states = await here.watch(alice, bob)

        phone = there.connect(bob)
        await until(lambda: mailbox.states == ["online"])
        there.presence.devices.set_activity(phone, bob.user.id, Activity.AWAY)
        await until(lambda: mailbox.states == ["online", "away"])
        laptop = here.connect(bob)
        await until(lambda: mailbox.states == ["online", "away", "online"])
        here.presence.leave(laptop, bob.user.id, at_once=True)
        await until(lambda: mailbox.states == ["online", "away", "online", "away"])

        assert states == ["offline"]
        assert (await there.watch(alice, bob))[2] == ["away"]


@pytest.mark.usefixtures("room")
async def test_a_process_that_dies_leaves_no_ghost(alice: Person, bob: Person) -> None:
    async with processes(hints=True) as (here, there):
        there.connect(bob)
        _, mailbox, _ = await here.watch(alice, bob)
        await until(lambda: here.presence.people[bob.user.id].state == "online")
        there.die()

        async def is_told() -> bool:  # again and again: a renewal of the dead process may be on its way
            await renewed_before(there, leases.DEAD_SECONDS + 1)
            return mailbox.states[-1:] == ["offline"]

        await until(is_told)

        [seen] = await query(read_states, alice.user.id, [bob.user.id])
        assert (seen["state"], seen["last_seen_at"] is not None) == ("offline", True)
        await renewed_before(there, leases.FORGET_SECONDS + 1)
        await query(leases.end_dead)
        assert not await query(lambda: PresenceProcess.objects.filter(pk=there.id).exists())
        [lease] = await query(lambda: list(PresenceLease.objects.filter(user_id=bob.user.id)))
        assert lease.state == "offline"


@pytest.mark.usefixtures("room")
async def test_a_process_that_was_given_up_writes_its_leases_again(alice: Person, bob: Person) -> None:
    async with processes(hints=False) as (here, there):
        _, mailbox, _ = await here.watch(alice, bob)
        there.connect(bob)
        await until(lambda: mailbox.states == ["online"])
        await renewed_before(there, leases.FORGET_SECONDS + 1)
        await query(leases.end_dead)
        await until(lambda: mailbox.states == ["online", "offline"])

        vars(there.presence)["_renewed_at"] = 0.0  # its next renewal is due

        await until(lambda: mailbox.states == ["online", "offline", "online"])


@pytest.mark.usefixtures("room")
async def test_a_device_that_moves_to_another_process_changes_nothing(alice: Person, bob: Person) -> None:
    async with processes(hints=True) as (here, there):
        phone = there.connect(bob)
        await until(lambda: query(lambda: PresenceLease.objects.filter(user_id=bob.user.id).exists()))
        _, mailbox, states = await here.watch(alice, bob)
        there.presence.leave(phone, bob.user.id)
        here.connect(bob)
        await until(lambda: len(here.presence.people[bob.user.id].leases) == 2)

        later = 2 * GRACE_SECONDS
        vars(there.presence.devices)["_clock"] = lambda: asyncio.get_running_loop().time() + later
        await until(lambda: here.presence.people[bob.user.id].leases[there.id].state == "offline")

        assert (states, mailbox.states) == (["online"], [])


async def test_the_right_to_see_is_checked_again(alice: Person, bob: Person, room: Any) -> None:
    async with processes(hints=True) as (here, there):
        there.connect(bob)
        await until(lambda: query(lambda: PresenceLease.objects.filter(user_id=bob.user.id).exists()))
        _, mailbox, states = await here.watch(alice, bob)

        await query(lambda: bob.post(f"/v1/rooms/{room['id']}/leave"))
        await here.presence.recheck()
        await until(lambda: mailbox.states == ["offline"])
        there.connect(bob)
        await query(lambda: bob.post(f"/v1/rooms/{make_room(alice, kind='public')['id']}/join"))
        await here.presence.recheck()
        await until(lambda: mailbox.states == ["offline", "online"])

        assert states == ["online"]


@pytest.mark.usefixtures("room")
async def test_a_watcher_of_many_gets_one_frame_a_second(alice: Person, bob: Person) -> None:
    async with processes(hints=True) as (here, there):
        watcher, mailbox, _ = await here.watch(alice, bob)
        watcher.sent_at = asyncio.get_running_loop().time() + 1_000  # a frame has just left

        phone = there.connect(bob)
        await until(lambda: here.presence.people[bob.user.id].state == "online")
        there.presence.devices.set_activity(phone, bob.user.id, Activity.AWAY)
        await until(lambda: here.presence.people[bob.user.id].state == "away")
        before = list(mailbox.frames)
        watcher.sent_at = 0.0
        await until(lambda: bool(mailbox.frames))

        assert (before, mailbox.frames) == ([], [["away"]])


@pytest.mark.usefixtures("room")
async def test_nothing_is_kept_of_people_whom_nobody_watches(alice: Person, bob: Person, charlie: Person) -> None:
    async with processes(hints=True) as (here, there):
        watcher, _, _ = await here.watch(alice, bob, charlie)
        await here.presence.watch(watcher, [bob.user.id])
        assert set(here.presence.people) == {bob.user.id}

        here.presence.unwatch(watcher)
        there.connect(bob)
        await until(lambda: there.hints > 0)

        assert (dict(here.presence.people), here.presence.watchers) == ({}, set())


async def test_an_outsider_sees_nothing(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    async with processes(hints=True) as (here, there):
        await query(lambda: make_room(alice, members=[charlie]))  # it shows Charlie nothing, and Charlie to nobody
        there.connect(bob)
        there.connect(alice)
        there.connect(charlie)
        await until(lambda: query(lambda: PresenceLease.objects.count() == 3))

        by_charlie = await query(read_states, charlie.user.id, [alice.user.id, bob.user.id, charlie.user.id, uuid4()])
        _, mailbox, states = await here.watch(charlie, alice, bob)
        there.presence.devices.set_activities(bob.session.pk, bob.user.id, Activity.AWAY)
        there.presence.devices.set_activities(alice.session.pk, alice.user.id, Activity.AWAY)
        await until(lambda: {each.state for each in here.presence.people.values()} == {"away"})

        assert [state["state"] for state in by_charlie] == ["offline", "offline", "online", "offline"]
        assert {state["last_seen_at"] for state in by_charlie} == {None}
        assert (states, mailbox.states) == (["offline", "offline"], [])
        assert [state["state"] for state in await query(read_states, alice.user.id, [charlie.user.id])] == ["offline"]


@pytest.mark.parametrize("hints", [True, False])
@pytest.mark.usefixtures("room")
async def test_a_block_hides_the_two_from_each_other(alice: Person, bob: Person, hints: bool) -> None:
    """Bob is blocked, or blocks, in a process that the watchers are not on."""
    async with processes(hints=hints) as (here, there):
        here.connect(alice)
        await until(lambda: query(lambda: PresenceLease.objects.filter(user_id=alice.user.id).exists()))
        _, by_alice, _ = await here.watch(alice, bob)
        _, by_bob, states = await there.watch(bob, alice)
        await until(lambda: by_alice.states == ["online"])

        block = await query(block_from, bob, alice)
        there.presence.commit_block(block)
        if hints:  # the hub takes the announcement of the block to it
            here.presence.recheck_soon(bob.user.id)
        await until(lambda: (by_alice.states, by_bob.states) == (["online", "offline"], ["offline"]))
        seen = [
            await query(read_states, *pair) for pair in ((alice.user.id, [bob.user.id]), (bob.user.id, [alice.user.id]))
        ]
        there.presence.commit_block(await query(unblock, bob, alice))
        await until(lambda: (by_alice.states[2:], by_bob.states[1:]) == (["online"], ["online"]))

        assert states == ["online"]
        assert [[state["state"] for state in each] for each in seen] == [["offline"], ["offline"]]


def block_from(person: Person, other: Person) -> Event:
    with collect_commits() as commits:
        assert person.put(f"/v1/me/blocks/{other.user.id}").status_code == 200
    return commits[-1][-1]


def unblock(person: Person, other: Person) -> Event:
    with collect_commits() as commits:
        assert person.delete(f"/v1/me/blocks/{other.user.id}").status_code == 204
    return commits[-1][-1]


@pytest.mark.usefixtures("room")
async def test_a_user_who_does_not_share_presence_is_seen_by_nobody_else(alice: Person, bob: Person) -> None:
    async with processes(hints=True) as (here, _):
        here.connect(bob)
        await until(lambda: query(lambda: PresenceLease.objects.filter(user_id=bob.user.id).exists()))
        answer = await query(lambda: bob.patch("/v1/me", {"settings": {"share_presence": False}}))
        assert answer.status_code == 200

        by_alice = await query(read_states, alice.user.id, [bob.user.id])
        by_bob = await query(read_states, bob.user.id, [bob.user.id])

        assert [state["state"] for state in [*by_alice, *by_bob]] == ["offline", "online"]
