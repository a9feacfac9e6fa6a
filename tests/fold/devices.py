"""The ways in which a client keeps up: a live socket, a replay, sync, and long polls. Each ends in a folded State."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.fold.snapshots import Refused, load, load_room
from tests.fold.state import JSON, Snapshot, State
from tests.sockets import PATIENCE, Account, Socket

WAIT_MS = 30_000  # of a long poll
OUT = ((404, "not_found"), (403, "room.not_member"))


class Device:
    """A client of one viewer. `reloaded` has the rooms that it had to load again after a hole."""

    def __init__(self, viewer: Account, before: Snapshot, way: str) -> None:
        self.viewer = viewer
        self.way = way
        self.state = State(viewer.id, before)
        self.reloaded: set[str] = set()

    async def reload(self) -> None:
        """Load the rooms with a hole again."""
        for room_id in self.state.stale:
            self.reloaded.add(room_id)
            await self.load(room_id)
        for room_id, message_id in self.state.streaming:
            response = await self.viewer.get(f"/v1/rooms/{room_id}/messages/{message_id}")
            message = response.json()
            message.pop("mine", None)
            self.state.rooms[room_id].take(message)

    async def load(self, room_id: str) -> bool:
        """Load a room; return whether the viewer may still read it."""
        try:
            self.state.load(await load_room(self.viewer, room_id))
        except Refused:
            self.state.forget(room_id)
            return False
        return True


class Listener(Device):
    """A client with a socket; with `follows_inbox` the server subscribes it to rooms that are added."""

    def __init__(
        self, viewer: Account, before: Snapshot, socket: Socket, way: str = "live", *, follows_inbox: bool = False
    ) -> None:
        super().__init__(viewer, before, way)
        self.socket = socket
        self.follows_inbox = follows_inbox
        self.taken = len(socket.events)
        self._last: dict[str | None, int] = {}

    async def subscribe(self, room_id: str | None, after: int) -> None:
        """Subscribe to a stream after this seq; forget the room if the viewer is not a member."""
        reply = await self.socket.call("subscribe", room_id=room_id, after=after)
        if reply.refusal in OUT:
            if room_id is not None:
                self.state.forget(room_id)
            return
        assert (reply.status, reply.data["replay"]) == (200, "complete"), reply.frame
        await self.socket.find(lambda frame: _is_synced(frame, room_id))

    async def take(self) -> None:
        """Fold the events received so far, and load or subscribe to the rooms that they name."""
        events = self.socket.events
        fresh, self.taken = events[self.taken :], len(events)
        self._check_order(fresh)
        self.state.fold(fresh)
        for room_id in sorted(self.state.missing):
            if await self.load(room_id):
                await self._follow(room_id, self.state.rooms[room_id].head)
        for room_id in sorted(self.state.begun):
            await self._follow(room_id, 0)
        await self.reload()

    def _check_order(self, events: list[JSON]) -> None:
        """Check that no seq comes twice or late, which the fold would accept and G4 does not."""
        for event in events:
            if event["seq"] is not None:
                assert event["seq"] > self._last.get(event["room_id"], 0), f"{self.way}: twice or too late: {event}"
                self._last[event["room_id"]] = event["seq"]

    async def _follow(self, room_id: str, after: int) -> None:
        if self.follows_inbox:
            return
        await self.subscribe(room_id, after)
        await self.take()

    async def come_back(self, socket: Socket) -> None:
        """Go on with a new socket after a time without one: by the one frame that syncs and subscribes."""
        self.socket, self.taken, self.follows_inbox = socket, 0, True
        self._last.clear()
        following: str | None = ""
        body = _body_of(self)
        while following is not None:
            reply = await socket.call("sync", **body, subscribe=True, next=following or None)
            assert reply.status == 200, reply.frame
            await _take_page(self, reply.data)
            following = reply.data["next"]
        await self.take()

    async def catch_up(self, after: Snapshot) -> None:
        """Wait until the device has the state of this snapshot, and nothing more is on its way."""
        if self.state.inbox < after["inbox"]:
            await self.socket.until_seq(None, after["inbox"])
        await self.take()
        for row in after["rooms"]:
            room = self.state.rooms.get(row["room"]["id"])
            if room is None or room.head < row["room"]["head"]:
                await self.socket.until_seq(row["room"]["id"], row["room"]["head"])
        await self.socket.settled()
        await self.take()


class Poller(Device):
    """A client without a socket: each answer to `POST sync` is followed by a request that waits for the next event."""

    def __init__(self, viewer: Account, before: Snapshot) -> None:
        super().__init__(viewer, before, "by long polls")
        self._answered = asyncio.Condition()

    async def follow(self) -> None:
        """Poll until the task is cancelled."""
        while True:
            body, following = _body_of(self), None
            while True:
                page = await _request_page(self.viewer, None, {**body, "wait_ms": WAIT_MS, "next": following})
                await _take_page(self, page)
                following = page["next"]
                if following is None:
                    break
            await self.reload()
            async with self._answered:
                self._answered.notify_all()

    async def catch_up(self, after: Snapshot) -> None:
        """Wait until the device has the state of this snapshot."""
        heads = {row["room"]["id"]: row["room"]["head"] for row in after["rooms"]}

        def is_there() -> bool:
            rooms = self.state.rooms
            known = [room_id in rooms and rooms[room_id].head >= head for room_id, head in heads.items()]
            return self.state.inbox >= after["inbox"] and all(known)

        async with asyncio.timeout(PATIENCE), self._answered:
            await self._answered.wait_for(is_there)
        await self.reload()  # no event announces the text of a streamed message


def _body_of(device: Device) -> JSON:
    """Return the body of a sync from the present cursors; a room that the viewer has left is not named."""
    joined = {room.id: room.head for room in device.state.rooms.values() if room.state == "joined"}
    return {"rooms": joined, "inbox": device.state.inbox, "epoch": 1, "limit": 1_000}


async def listen(viewer: Account, before: Snapshot, socket: Socket) -> Listener:
    """A live socket: each stream subscribed by itself."""
    device = Listener(viewer, before, socket)
    for room_id, head in ({None: before["inbox"]} | device.state.cursors).items():
        await device.subscribe(room_id, head)
    return device


async def listen_by_sync(viewer: Account, before: Snapshot, socket: Socket) -> Listener:
    """A live socket: all by the one frame after connecting."""
    device = Listener(viewer, before, socket, "live by sync", follows_inbox=True)
    body: JSON = {"rooms": device.state.cursors, "inbox": before["inbox"], "epoch": 1, "subscribe": True, "next": None}
    while True:
        reply = await socket.call("sync", **body)
        assert (reply.status, reply.data["rooms"], reply.data["inbox"]["events"]) == (200, [], []), reply.frame
        if reply.data["next"] is None:
            return device
        body["next"] = reply.data["next"]


async def replay(viewer: Account, before: Snapshot) -> Device:
    """Open a socket after the story, and subscribe after the seqs of the earlier snapshot."""
    device = Listener(viewer, before, await viewer.connect(), "by replay")
    known = device.state.cursors
    await device.subscribe(None, before["inbox"])
    device.state.fold(device.socket.events)
    for room_id, head in known.items():
        await device.subscribe(room_id, head)
    await device.take()
    await device.socket.close()
    return device


async def sync(viewer: Account, before: Snapshot, *, socket: Socket | None = None, limit: int = 1_000) -> Device:
    """Sync from the cursors of the earlier snapshot, by REST or as an action, page by page."""
    device = Device(viewer, before, "by sync")
    body: JSON = {"rooms": device.state.cursors, "inbox": before["inbox"], "epoch": 1, "limit": limit, "next": None}
    while True:
        page = await _request_page(viewer, socket, body)
        await _take_page(device, page)
        if page["next"] is None:
            break
        body["next"] = page["next"]
    await device.reload()
    assert device.state.missing | device.state.begun == set(), "A sync has every room of the viewer."
    return device


async def _request_page(viewer: Account, socket: Socket | None, body: JSON) -> JSON:
    if socket is None:
        response = await viewer.post("/v1/sync", body)
        assert response.status_code == 200, response.text
        answer: Any = response.json()
    else:
        reply = await socket.call("sync", **body)
        assert reply.status == 200, reply.frame
        answer = reply.data
    page: JSON = answer
    return page


async def _take_page(device: Device, page: JSON) -> None:
    inbox, state = page["inbox"], device.state
    assert (inbox["limited"], inbox["reset"]) == (None, False)
    state.fold(inbox["events"])
    assert state.inbox == inbox["head"]
    for entry in page["rooms"]:
        assert (entry["limited"], entry["reset"]) == (None, False)
        if entry["room"] is not None:
            state.begun.discard(entry["id"])
            state.load(await load(device.viewer, entry["room"]))
        state.fold(entry["events"])
        assert state.rooms[entry["id"]].head == entry["head"]
    for entry in page["removed"]:
        state.remove(entry["id"], entry["reason"], entry["seq"])


def _is_synced(frame: JSON, room_id: str | None) -> bool:
    if frame.get("action") != "events":
        return False
    return any(event["type"] == "room.synced" and event["room_id"] == room_id for event in frame["data"])
