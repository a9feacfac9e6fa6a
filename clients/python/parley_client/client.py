"""The client: one user, one connection, and everything of theirs to read and to follow."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Self

from parley_client import rest
from parley_client.connection import Connection, End, Status, TokenSource
from parley_client.errors import OFFLINE, STORAGE, Refused, offline
from parley_client.outbox import Outbox
from parley_client.room import Room
from parley_client.state import MOST_KEPT, RoomState
from parley_client.store import MemoryStore, Record, Store
from parley_client.world import World

Json = dict[str, Any]


def ignore(*arguments: object) -> None:
    """The callback of an app that does not care."""


class Parley:
    """A client of the server at `url`, as `https://chat.example.com`. `async with` starts and stops it.

    `token` is a token or a function that is called with a reason: "start", "expiring" (the session ends soon: a fresh
    token keeps the connection) or "expired" (the last token was refused). `user` is the id of the user, if the app
    knows it: what is written before the first connection of a token is then theirs, whatever token comes next.
    """

    def __init__(
        self,
        url: str,
        token: str | TokenSource,
        *,
        user: str | None = None,
        store: Store | None = None,
        on_message: Callable[[Room, Json], None] = ignore,
        on_event: Callable[[Json, bool], None] = ignore,
        on_change: Callable[[str | None], None] = ignore,
        on_refused: Callable[[Room, Json, Refused], None] = ignore,
        on_storage: Callable[[Exception], None] = ignore,
    ) -> None:
        """`on_message`: a new message of somebody else; not one that was missed, and each once. `on_event`: every
        event as the server sends it, and whether it is live. `on_change`: the room with this id, or with None the
        status, is not as it was. `on_refused`: the server will not take a message. `on_storage`: the store is full."""
        self.url, self.store = url.rstrip("/"), store or MemoryStore()
        self.on_message, self.on_event, self.on_change = on_message, on_event, on_change
        self.on_refused, self.on_storage = on_refused, on_storage
        self.status: Status = "offline"
        self.end: End | None = None  # the reason why the session has ended
        self.me: Json | None = None  # the user, once the server has named them
        self.is_stopped = False
        self.typing_seconds, self._typing_expires = 5.0, 15.0
        self._is_fixed = user is not None
        self._connection = Connection(self.url, token if callable(token) else lambda reason: token, self)
        self._first_token = token if isinstance(token, str) else None
        self._rooms: dict[str, Room] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._fetching: set[str] = set()  # rooms whose stale messages are being loaded
        self._catching: asyncio.Task[None] | None = None
        self._status_changed = asyncio.Event()
        self._open(user or self._user_of_token())

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    def connect(self) -> None:
        """Connect, and come back after each break; do not wait for it."""
        self.is_stopped, self.end = False, None
        self._connection.start()

    async def start(self) -> bool:
        """Connect and wait: True when everything that was missed is here, False when the session has ended."""
        self.connect()
        while self.status not in ("live", "ended"):
            self._status_changed.clear()
            await self._status_changed.wait()
        return self.status == "live"

    async def stop(self) -> None:
        """End the connection and all tasks. Unsent messages stay in the store."""
        self.is_stopped = True
        self.outbox.close()
        await self._connection.stop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.changed("offline")

    @property
    def rooms(self) -> list[Room]:
        """The rooms of the user, newest message first, without archived and hidden ones."""
        shapes = [state.shape for state in self.world.rooms.values()]
        shown = [each for each in shapes if not each["archived_at"] and not each["me"].get("hidden")]
        shown.sort(key=lambda each: (each["last_message_at"] or each["created_at"], each["id"]), reverse=True)
        return [self.room(each["id"]) for each in shown]

    def room(self, room_id: str) -> Room:
        """A room by its id, the same object each time."""
        return self._rooms.setdefault(room_id, Room(self, room_id))

    async def request(self, action: str, **body: Any) -> Any:
        """Send a frame on the socket and return the data of its reply. Raises Refused."""
        return await self._connection.request(action, body)

    async def rest(self, method: str, path: str, body: Any = None) -> Any:
        """Call `/v1/<path>` with the token of this client. Raises Refused."""
        try:
            token = await self._connection.get_token("start")
        except Exception as error:  # of the app's own source
            raise offline() from error
        return await rest.call(self.url, method, path, body, token)

    # The user and their store

    def _user_of_token(self) -> str:
        """The user of the token, or a name for the time until the server has told it."""
        name = f"token-{(self._first_token or '')[-10:]}"
        known = self.store.read(f"{self.url} {name} user")
        return str(known[0][1]) if known else name

    def _open(self, user: str) -> None:
        """Show what the store has of this user."""
        self.user, self._scope = user, f"{self.url} {user} "
        self.world = World(user, self._pass_on)
        self.outbox = Outbox(self)
        for _, kept in self.store.read(f"{self._scope}cursors"):
            self.world.inbox, self.world.epoch = kept["inbox"], kept["epoch"]
            self.world.is_new = kept.get("is_new", False)
        for key, stored in self.store.read(f"{self._scope}room "):
            room_id = key.rsplit(" ", 1)[1]
            messages = [message for _, message in self.store.read(f"{self._scope}message {room_id} ")]
            self.world.rooms[room_id] = state = RoomState.restore(user, stored, messages)
            state.saved = {each["id"] for each in messages}
            if state.is_open:
                self.world.opened.add(room_id)
        self._load_unsent()

    def _load_unsent(self) -> None:
        for _, unsent in self.store.read(f"{self._scope}unsent "):
            self.outbox.learn(unsent["client_id"], unsent)

    def _save(self) -> None:
        """Write everything that has changed, with the cursors, in one step."""
        world, records = self.world, list[Record]()
        for room_id in world.touched:
            state = world.rooms.get(room_id)
            prefix = f"{self._scope}message {room_id} "
            kept = {each["id"] for each in state.newest()[-MOST_KEPT:]} if state else set()
            saved = state.saved if state else {key.removeprefix(prefix) for key, _ in self.store.read(prefix)}
            records.append((f"{self._scope}room {room_id}", state.stored() if state else None))
            records += [(prefix + each, None) for each in saved - kept]
            if state:
                records += [(prefix + each, state.messages[each]) for each in kept & (state.changed | kept - saved)]
        cursors = {"inbox": world.inbox, "epoch": world.epoch, "is_new": world.is_new}
        records.append((f"{self._scope}cursors", cursors))
        try:
            self.store.write(records)
        except (OSError, sqlite3.Error) as error:
            self.on_storage(error)  # all of it is tried again with the next change
            return
        for room_id in world.touched & world.rooms.keys():
            state = world.rooms[room_id]
            state.changed.clear()
            state.saved = {each["id"] for each in state.newest()[-MOST_KEPT:]}
        world.touched.clear()

    def keep(self, client_id: str, unsent: Json | None) -> None:
        """Write an unsent message, or remove it. In a full store it takes the place of messages, which can be loaded
        again."""
        record = (f"{self._scope}unsent {client_id}", unsent)
        try:
            try:
                self.store.write([record])
            except (OSError, sqlite3.Error):
                cached = [*self.store.read(f"{self._scope}message "), *self.store.read(f"{self._scope}room ")]
                self.store.write([*((key, None) for key, _ in cached), (f"{self._scope}cursors", None)])
                for state in self.world.rooms.values():
                    state.saved = set()
                self.world.touched |= self.world.rooms.keys()
                self.store.write([record])
        except (OSError, sqlite3.Error) as error:
            self.on_storage(Refused(STORAGE, f"The store is full, and an unsent message is in memory only: {error}"))

    # What the connection reports

    def connected(self, hello: Json) -> None:
        """The server has named the user: from now on everything is theirs alone."""
        user = hello["user"]["id"]
        if user != self.user:
            before, is_theirs = self.outbox, not self._is_fixed and self.user.startswith("token-")
            keys = [key for key, _ in self.store.read(self._scope)] if is_theirs else []
            opened = self.world.opened
            self.outbox.close()
            self._open(user)
            self.world.opened |= opened
            if is_theirs:
                self.outbox.adopt(before)
                token = f"{self.url} token-{(self._connection.token or '')[-10:]} user"
                with suppress(OSError, sqlite3.Error):
                    self.store.write([*((key, None) for key in keys), (token, user)])
        self.me = hello["user"]
        self.typing_seconds = hello["typing"]["resend_ms"] / 1000
        self._typing_expires = hello["typing"]["expire_ms"] / 1000
        self._load_unsent()  # of another process that has ended
        self._begin_to_catch_up()

    def _begin_to_catch_up(self) -> None:
        if self._catching is not None:
            self._catching.cancel()
        self._catching = self._spawn(self._catch_up())

    async def _catch_up(self) -> None:
        self.changed("catching-up")
        while True:
            try:
                await self.world.catch_up(self._connection.request)
            except Refused as error:
                if error.code == OFFLINE:
                    return  # the next hello begins again
                await asyncio.sleep(error.retry_after)
                continue
            if not self.world.is_lost:
                break
        for room_id, state in self.world.rooms.items():
            state.resume()
            if state.stale:
                self.world.touch(room_id)
        self._saved_and_shown()
        self.outbox.open()
        self.changed("live")
        for room_id in self.world.opened & self.world.rooms.keys():
            self._spawn(self._reopen(self.room(room_id)))
        for room_id, room in self._rooms.items():
            if room_id in self.world.rooms and room.read_to:
                self._spawn(room.send_read())

    async def _reopen(self, room: Room) -> None:
        with suppress(Refused):  # without a connection it is loaded by the next one
            await room.load()
            self._saved_and_shown()

    def received(self, events: list[Json]) -> None:
        """Apply events, and store them with the cursors."""
        self.world.receive(events)
        for event in events:
            if event["type"] == "typing" and event["data"].get("user_ids"):
                self._spawn(self._expire_typing(event["room_id"], event["data"]["user_ids"]))
        if any(event["seq"] is not None or event["type"] == "text.appended" for event in events):
            self._saved_and_shown()
        if self.world.is_lost and self.status == "live":
            self._begin_to_catch_up()

    async def _expire_typing(self, room_id: str, user_ids: list[str]) -> None:
        """After a lost connection no event ends the typing of others."""
        await asyncio.sleep(self._typing_expires)
        state = self.world.rooms.get(room_id)
        if state is not None and state.typing is user_ids:
            state.typing = []
            self.room_changed(room_id)

    def _saved_and_shown(self) -> None:
        changed = tuple(self.world.touched)
        self._save()
        for room_id in changed:
            state = self.world.rooms.get(room_id)
            if state is not None and state.is_outdated:
                state.is_outdated = False
                self._spawn(self._refresh(state))
            if state is not None and state.stale and room_id not in self._fetching:
                self._fetching.add(room_id)
                self._spawn(self._fetch_stale(room_id))
            self.room_changed(room_id)

    async def _refresh(self, state: RoomState) -> None:
        """Load the Room of a room whose events do not tell everything, as what a new role may do."""
        try:
            while not state.update(await self.rest("GET", f"rooms/{state.shape['id']}")):
                continue
        except Refused as error:
            state.is_outdated = error.is_retryable  # otherwise the inbox removes the room
        self.world.touch(state.shape["id"])
        self._save()
        self.room_changed(state.shape["id"])

    async def _fetch_stale(self, room_id: str) -> None:
        """Load the stale messages of a room, one after the other. Without a connection, the next one begins again."""
        tried = set[tuple[str, int]]()
        try:
            while (state := self.world.rooms.get(room_id)) and (left := state.stale.items() - tried):
                message_id, version = min(left)
                try:
                    message = await self.rest("GET", f"rooms/{room_id}/messages/{message_id}")
                except Refused as error:
                    if error.code == OFFLINE:
                        return
                    if error.is_retryable:
                        await asyncio.sleep(error.retry_after)
                        continue
                    state.stale.pop(message_id, None)  # it is gone
                else:
                    self.sent(message)
                tried.add((message_id, version))
        finally:
            self._fetching.discard(room_id)

    def changed(self, status: Status) -> None:
        """The state of the connection has changed."""
        if status in ("offline", "connecting"):
            self.outbox.close()
            if self._catching is not None and self._catching is not asyncio.current_task():
                self._catching.cancel()
        if status != self.status:
            self.status = status
            self._status_changed.set()
            self.on_change(None)

    def ended(self, end: End) -> None:
        """The session has ended: nothing is tried again before the next `start`."""
        self.end = end
        self.outbox.close()
        self.changed("ended")

    def _pass_on(self, event: Json, is_live: bool) -> None:
        self.on_event(event, is_live)
        if event["type"] != "message.created":
            return
        if event["data"]["sender"]["id"] == self.user:
            self.outbox.acknowledge(event["data"])
        elif is_live and not event["data"].get("blocked"):
            self.on_message(self.room(event["room_id"]), event["data"])

    def sent(self, message: Json) -> None:
        """Take a message that a reply brought."""
        state = self.world.rooms.get(message["room_id"])
        if state is not None:
            state.take(message)
            self.world.touch(message["room_id"])
            self._save()
        self.room_changed(message["room_id"])

    def refused(self, unsent: Json, error: Refused) -> None:
        """The server will not take a message."""
        self.on_refused(self.room(unsent["room_id"]), unsent, error)
        self.room_changed(unsent["room_id"])

    def room_changed(self, room_id: str) -> None:
        """Report it to the app."""
        self.on_change(room_id)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
