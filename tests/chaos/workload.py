"""The workload: users, their rooms, and their actions, drawn from the seed."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

from tests.chaos import operations as ops
from tests.chaos.cluster import Cluster
from tests.chaos.device import Device, Person
from tests.chaos.history import History
from tests.chaos.without_sockets import PollDevice, StreamDevice

PEOPLE = 12
DEVICES_EACH = 2
SECOND_DEVICES = (StreamDevice, Device, PollDevice)  # of one person after the other
PAUSE_SECONDS = 1.1  # between two acts of one device, on average
SLOW = "person9.0"  # reads a frame, then dozes

ROOMS = (
    # name, kind, history, first members, True if its members come and go
    ("hot", "public", "shared", range(12), False),
    ("since", "private", "since_joined", range(8), True),
    ("shared", "private", "shared", range(4, 12), True),
    ("open", "public", "since_joined", range(0, 12, 2), True),
    ("quiet", "private", "since_joined", range(3, 7), True),
)
KEYS = (":tea:", ":cake:", ":+1:")
OWNERS = range(2)  # of every room, and in every room; they are never removed


class Workload:
    """The users, their devices and their rooms."""

    def __init__(self, cluster: Cluster, history: History, seed: int) -> None:
        self.cluster, self.history = cluster, history
        self.rng = random.Random(seed)
        self.people = [Person(f"person{number}", history) for number in range(PEOPLE)]
        self.rooms: dict[str, str] = {}
        self.changing: list[str] = []
        self.mine: dict[str, list[tuple[str, str]]] = {}  # by device: (room, message) that it sent
        self.stopping = False
        self._busy: set[str] = set()  # those with a session that is being ended: one at a time
        self._loops: list[asyncio.Task[None]] = []
        self._acts: list[asyncio.Task[None]] = []

    @property
    def devices(self) -> list[Device]:
        """All of everybody's."""
        return [device for person in self.people for device in person.devices]

    async def begin(self) -> None:
        """Register everybody, make the rooms, connect."""
        for person in self.people:
            person.devices = [self._device(person, number) for number in range(DEVICES_EACH)]
        await asyncio.gather(*(self._enter(person) for person in self.people))
        for name, kind, rule, members, changing in ROOMS:
            await self._make_room(name, kind, rule, members, changing)
        await self._make_direct()
        self._loops = [asyncio.create_task(device.live()) for device in self.devices]

    def _device(self, person: Person, number: int) -> Device:
        rng = random.Random(self.rng.random())
        kind = SECOND_DEVICES[self.people.index(person) % len(SECOND_DEVICES)] if number else Device
        return kind(person, number, self.cluster, rng, slow=f"{person.name}.{number}" == SLOW)

    async def _enter(self, person: Person) -> None:
        for number, device in enumerate(person.devices):
            await device.enter(first=number == 0)
            self.history.add("device", device=device.name, user=person.id, slow=device.slow)
        self.history.add("user", user=person.id, name=person.name)

    async def _make_room(self, name: str, kind: str, rule: str, members: range, changing: bool) -> None:
        owner = self.people[0].devices[0]
        wanted = sorted({*members, *OWNERS} - {0})
        first = [self.people[number].id for number in wanted]
        body = {"kind": kind, "name": name, "history": rule, "members": first, "client_id": uuid4().hex}
        answer = await owner.rest("POST", "rooms", body=body)
        room = self.rooms[name] = answer.data["id"]
        for number in OWNERS:
            await ops.put_member(owner, room, self.people[number].id, "owner")
        if changing:
            self.changing.append(room)

    async def _make_direct(self) -> None:
        """Open a direct room from both sides at once, on different processes; it must be one room."""
        one, other = self.people[2].devices[0], self.people[3].devices[0]
        answers = await asyncio.gather(
            one.rest("PUT", f"rooms/direct/{other.person.id}", server=0),
            other.rest("PUT", f"rooms/direct/{one.person.id}", server=1),
        )
        found = {answer.data["id"] for answer in answers}
        assert len(found) == 1, f"two direct rooms: {found}"
        self.rooms["direct"] = found.pop()

    def go(self) -> None:
        """Everybody begins to act."""
        self._acts = [asyncio.create_task(self._act(device)) for device in self.devices]

    async def stop_acting(self) -> None:
        """No new operations; those under way come to their end."""
        self.stopping = True
        await asyncio.gather(*self._acts)

    async def end(self) -> None:
        """Everybody goes."""
        for device in self.devices:
            device.stopping = True
        await end_loops(self._loops)

    async def _act(self, device: Device) -> None:
        await asyncio.sleep(device.rng.uniform(0, PAUSE_SECONDS))
        while not self.stopping:
            if device.rooms and device.token:
                with contextlib.suppress(KeyError, IndexError):  # the member was removed, or has received nothing yet
                    await self._choose(device)(device)
            await asyncio.sleep(min(5.0, device.rng.expovariate(1 / PAUSE_SECONDS)))

    def _choose(self, device: Device) -> Callable[[Device], Coroutine[Any, Any, None]]:
        acts, weights = zip(*ACTS, strict=True)
        chosen: Callable[[Workload, Device], Coroutine[Any, Any, None]] = device.rng.choices(acts, weights)[0]
        return lambda device: chosen(self, device)

    def _room(self, device: Device) -> str:
        """A room of the device, the hot one more often."""
        hot = self.rooms["hot"]
        return hot if device.rng.random() < 0.3 else device.rng.choice(sorted(device.rooms))

    async def send(self, device: Device) -> None:
        room = self._room(device)
        answer = await ops.send(device, room)
        if answer.status in (200, 201):
            self.mine.setdefault(device.name, []).append((room, answer.data["id"]))

    async def reply(self, device: Device) -> None:
        """Reply in a thread, naming somebody in it."""
        room, root = self._some_message(device)
        named = {"users": [device.rng.choice(self.people).id], "room": False}
        more: dict[str, Any] = {"mentions": named} if device.rng.random() < 0.4 else {}
        await ops.send(device, room, thread_root=root, in_room=device.rng.random() < 0.3, **more)

    async def follow(self, device: Device) -> None:
        await ops.follow(device, *self._some_message(device), device.rng.random() < 0.5)

    async def read_thread(self, device: Device) -> None:
        await ops.read_thread(device, *self._some_message(device))

    async def stream(self, device: Device) -> None:
        await ops.stream(device, self._room(device))

    async def block(self, device: Device) -> None:
        """Block somebody for a moment."""
        user = device.rng.choice([person.id for person in self.people if person is not device.person])
        await ops.block(device, user, True)
        await asyncio.sleep(device.rng.choice([0.0, 1.0, 5.0]))
        if device.rng.random() < 0.9:
            await ops.block(device, user, False)

    async def watch(self, device: Device) -> None:
        if type(device) is Device:
            users = [person.id for person in device.rng.sample(self.people, 5)]
            await device.act("watch_presence", user_ids=users)
            await device.act("set_presence", state=device.rng.choice(["active", "active", "away"]))
            await device.act("set_presence", state="active")

    async def send_long(self, device: Device) -> None:
        await ops.send(device, self._room(device), f"{ops.canary()} {'x' * 3000}")

    async def flurry(self, device: Device) -> None:
        room = self._room(device)
        await asyncio.gather(*(ops.send(device, room, burst=True) for _ in range(5)))

    async def edit(self, device: Device) -> None:
        await ops.edit(device, *device.rng.choice(self.mine[device.name][-20:]))

    def _some_message(self, device: Device) -> tuple[str, str]:
        """A recent message of anybody, in a room of the device."""
        sent = [chosen for each in self.mine.values() for chosen in each[-20:] if chosen[0] in device.rooms]
        return device.rng.choice(sent)

    async def react(self, device: Device) -> None:
        await ops.react(device, *self._some_message(device), device.rng.choice(KEYS), device.rng.random() < 0.7)

    async def pin(self, device: Device) -> None:
        await ops.pin(device, *self._some_message(device), device.rng.random() < 0.6)

    async def delete(self, device: Device) -> None:
        chosen = device.rng.choice(self.mine[device.name])
        self.mine[device.name].remove(chosen)
        await ops.delete(device, *chosen)

    async def mark_read(self, device: Device) -> None:
        await ops.mark_read(device, self._room(device))

    async def read_page(self, device: Device) -> None:
        await ops.read_page(device, self._room(device))

    async def type(self, device: Device) -> None:
        await device.act("typing", room_id=self._room(device), on=device.rng.random() < 0.6)

    async def reconnect(self, device: Device) -> None:
        device.forgets = device.rng.random() < 0.15
        await device.hang_up()

    async def churn(self, device: Device) -> None:
        """Remove a member or ban them for a moment, and add or invite them again, often at once."""
        rng, room = device.rng, device.rng.choice(self.changing)
        owner = self.people[rng.choice(OWNERS)].devices[0]
        person = rng.choice(self.people[len(OWNERS) :])
        if rng.random() < 0.3:
            await ops.set_sanction(owner, "ban", room, person.id, on=True)
            await ops.set_sanction(owner, "ban", room, person.id, on=False)
        else:
            await ops.remove_member(owner, room, person.id)
        draw = rng.random()
        if draw < 0.75:
            await asyncio.sleep(rng.choice([0.0, 0.0, 0.02, 0.3, 2.0]))
        if draw < 0.5:
            await ops.put_member(owner, room, person.id)
        elif draw < 0.75:
            await ops.invite(owner, room, person.id)
            await ops.join(person.devices[0], room)

    async def hush(self, device: Device) -> None:
        """Mute a member for a moment: their sends are refused, retries of earlier ones are not."""
        room = device.rng.choice(self.changing)
        owner = self.people[device.rng.choice(OWNERS)].devices[0]
        victim = device.rng.choice(self.people[len(OWNERS) :]).id
        await ops.set_sanction(owner, "mute", room, victim, on=True)
        await asyncio.sleep(device.rng.choice([0.0, 0.3, 1.0]))
        await ops.set_sanction(owner, "mute", room, victim, on=False)

    async def come_and_go(self, device: Device) -> None:
        """Join the open room, or leave it; perhaps join again at once."""
        room = self.rooms["open"]
        if device.person in self.people[: len(OWNERS)]:
            return
        if room in device.rooms:
            await ops.leave(device, room)
        if device.rng.random() < 0.7:
            await ops.join(device, room)

    async def end_session(self, device: Device) -> None:
        """Log out, or throw out the user's other device."""
        person = device.person
        if person.name in self._busy or not all(each.token and each.is_connected for each in person.devices):
            return
        self._busy.add(person.name)
        other = person.devices[1 - person.devices.index(device)]
        await (ops.log_out(device) if device.rng.random() < 0.4 else ops.revoke(device, other))
        self._busy.discard(person.name)


async def end_loops(loops: list[asyncio.Task[None]]) -> None:
    """Cancel endless tasks; an error of the harness itself fails the run."""
    for loop in loops:
        loop.cancel()
    for ended in await asyncio.gather(*loops, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended


ACTS = [
    (Workload.send, 46),
    (Workload.send_long, 2),
    (Workload.flurry, 3),
    (Workload.edit, 7),
    (Workload.react, 14),
    (Workload.reply, 12),
    (Workload.follow, 3),
    (Workload.read_thread, 3),
    (Workload.stream, 4),
    (Workload.block, 3),
    (Workload.watch, 2),
    (Workload.pin, 3),
    (Workload.delete, 4),
    (Workload.mark_read, 9),
    (Workload.read_page, 6),
    (Workload.type, 5),
    (Workload.reconnect, 5),
    (Workload.churn, 6),
    (Workload.come_and_go, 4),
    (Workload.hush, 2),
    (Workload.end_session, 2),
]
