"""All rooms of the user and their inbox, kept up to date by sync and events. It has no socket and no store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from parley_client.state import RoomState

Json = dict[str, Any]
Request = Callable[[str, Json], Awaitable[Any]]

MOST_CURSORS = 1_000  # of one sync; other rooms come as new ones


class World:
    """The rooms of the user `me`. `pass_on` gets every event that counts, and whether it is live."""

    def __init__(self, me: str, pass_on: Callable[[Json, bool], None]) -> None:
        self.me, self._pass_on = me, pass_on
        self.rooms: dict[str, RoomState] = {}
        self.opened: set[str] = set()  # rooms whose messages are kept
        self.inbox: int | None = None
        self.epoch: int | None = None
        self.is_new = False  # all rooms come as new ones with the next sync
        self.is_lost = False  # something is missing that only another sync can bring
        self.touched: set[str] = set()  # rooms that the store does not have as they are
        self._gone: dict[str, int] = {}  # by room, the seq at which the membership ended
        self._early: dict[str, list[Json]] = {}  # events of rooms that the next sync brings

    def touch(self, room_id: str) -> None:
        """The room has changed."""
        self.touched.add(room_id)

    # Sync

    async def catch_up(self, request: Request) -> None:
        """Get everything that was missed; from then on the socket brings it. Raises Refused."""
        self.is_lost = False
        body = {"rooms": self._cursors(), "inbox": self.inbox, "epoch": self.epoch, "subscribe": True}
        next_page: str | None = None
        while True:
            page = await request("sync", {**body, "next": next_page})
            if page["inbox"]["reset"] or page["inbox"]["limited"]:
                self._forget()  # the cursors are worth nothing: everything comes anew
                self.is_lost = True
                return
            self._apply_page(page)
            next_page = page["next"]
            if next_page is None:
                break
        self.is_new = self.is_new and self.is_lost  # a block among the events of the pages
        early, self._early = self._early, {}
        for room_id, events in early.items():
            if room_id in self.rooms:
                for event in events:
                    self._apply(event)

    def _cursors(self) -> dict[str, int]:
        rooms = [room for room in self.rooms.values() if room.is_member and not self.is_new]
        rooms.sort(key=lambda room: str(room.shape["last_event_at"]), reverse=True)
        return {room.shape["id"]: room.cursor for room in rooms[:MOST_CURSORS]}

    def _forget(self) -> None:
        self.inbox = self.epoch = None
        self.touched |= self.rooms.keys()
        self.rooms.clear()

    def _apply_page(self, page: Json) -> None:
        self.epoch = page["epoch"]
        for event in page["inbox"]["events"]:
            self._apply_inbox(event, is_live=False)
        self.inbox = max(self.inbox or 0, page["inbox"]["head"])
        for entry in page["rooms"]:
            if entry["room"]:
                self._place(entry["room"], is_broken=entry["reset"] or entry["limited"] is not None)
            for event in entry["events"]:
                self._apply_to_room(event, is_live=False)
            if entry["id"] in self.rooms:
                self.rooms[entry["id"]].skip_to(entry["head"])
            self.touch(entry["id"])
        for gone in page["removed"]:
            self._remove(gone["id"], gone["seq"])

    def _place(self, shape: Json, *, is_broken: bool) -> None:
        """Take a Room of the server. Held messages stay only if nothing was missed since."""
        known = self.rooms.get(shape["id"])
        if known is None:
            self.rooms[shape["id"]] = RoomState(self.me, shape)
            return
        if is_broken or known.cursor < shape["head"]:
            known.clear()
        if is_broken or known.cursor <= shape["head"]:
            known.load(shape)

    # Events

    def receive(self, events: list[Json]) -> None:
        """Apply events as the socket brings them."""
        for event in events:
            self._apply(event)

    def _apply(self, event: Json) -> None:
        if event["type"] in ("room.limited", "room.reset"):
            self.is_lost = True
        elif event["seq"] is None:
            state = self.rooms.get(event["room_id"] or "")
            if state is not None and event["type"] == "typing":
                state.typing = event["data"]["user_ids"]
            elif state is not None and event["type"] == "text.appended":
                state.grow(event["data"])
                self.touch(event["room_id"])
            self._pass_on(event, True)
        elif event["room_id"] is None:
            self._apply_inbox(event, is_live=True)
        else:
            self._apply_to_room(event, is_live=True)

    def _apply_inbox(self, event: Json, *, is_live: bool) -> None:
        seq, kind, data = event["seq"], event["type"], event["data"]
        if self.inbox is not None and seq <= self.inbox:
            return
        if self.inbox is not None and seq > self.inbox + 1:
            self.is_lost = True
            return
        self.inbox = seq
        if kind == "room.removed":
            self._remove(data["id"], data["seq"])
        elif kind == "room.added" and is_live and data["id"] not in self.rooms:
            self._gone.pop(data["id"], None)
            self.is_lost = True  # the Room, with the own rights in it, comes by sync
        elif kind in ("block.added", "block.removed"):
            for room_id, state in self.rooms.items():
                state.block(event)
                self.touch(room_id)
            self.is_new = self.is_lost = True  # the server counts again what is unread
        elif kind in ("read.updated", "room.preferred") and data["room_id"] in self.rooms:
            state = self.rooms[data["room_id"]]
            state.mark(data) if kind == "read.updated" else state.prefer(data)
            self.touch(data["room_id"])
        self._pass_on(event, is_live)

    def _apply_to_room(self, event: Json, *, is_live: bool) -> None:
        room_id, seq = event["room_id"], event["seq"]
        state = self.rooms.get(room_id)
        if seq <= (state.cursor if state else self._gone.get(room_id, 0)):
            return
        if state is None or seq > state.cursor + 1:
            # A new room, or one in which the user was no member for a while: its Room and its newest page come anew.
            self._early.setdefault(room_id, []).append(event)
            if state is not None:
                self.touch(room_id)
                del self.rooms[room_id]
            self.is_lost = True
            return
        state.apply(event)
        self.touch(room_id)
        self._pass_on(event, is_live)
        if not state.is_member:
            self._remove(room_id, seq)

    def _remove(self, room_id: str, seq: int) -> None:
        """The membership ended at `seq`, unless the room's own stream has later events."""
        if room_id in self.rooms and self.rooms[room_id].cursor > seq:
            return
        self._gone[room_id] = seq
        self.rooms.pop(room_id, None)
        self.touch(room_id)
