"""A chat client for one room: each message is sent once and shown once, through crashes and lost connections.

    python examples/client.py ws://127.0.0.1:8000/v1/ws TOKEN ROOM_ID STORE

A typed line is sent; messages of the room are printed. STORE is a SQLite file, the memory of this device. Several
processes and several users may share it.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from typing import Any

import websockets

STOP = {1002, 1007, 1009, 4400, 4401, 4402, 4403, 4406, 4408, 4410, 4426}  # the same attempt would end the same way
KEPT_MESSAGES = 200  # older ones are pages of history
LONGEST_PAUSE_SECONDS = 5.0
HELLO_SECONDS = 10.0
TABLES = """
    CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, user TEXT);
    CREATE TABLE IF NOT EXISTS rooms (
        user TEXT, room TEXT, cursor INTEGER, epoch INTEGER, PRIMARY KEY (user, room));
    CREATE TABLE IF NOT EXISTS messages (
        user TEXT, room TEXT, id TEXT, seq INTEGER, body TEXT, PRIMARY KEY (user, room, id));
    CREATE TABLE IF NOT EXISTS unsent (
        user TEXT, room TEXT, id TEXT, text TEXT, PRIMARY KEY (user, room, id));
"""
EMPTY: dict[str, Any] = {  # what a deleted message has in these fields
    **{"text": None, "metadata": {}, "reply_to": None, "mentions": {"users": [], "room": False}, "attachments": []},
    **{"reactions": [], "pinned_at": None, "pinned_by": None, "forwarded": None},
    **{"streaming": False, "interrupted": False},
}
Message = dict[str, Any]


class Client:
    """One room on one socket. `on_message` gets each message in its newest version, first those in the store."""

    def __init__(self, url: str, token: str, room: str, store: str, on_message: Callable[[Message], None]) -> None:
        self.url, self.token, self.room, self.on_message = url, token, room, on_message
        self.store = sqlite3.connect(store)
        self.store.executescript(TABLES)
        self.socket: websockets.ClientConnection | None = None
        self.ready = False  # hello has come
        self.sending: str | None = None  # the client_id whose reply is awaited
        self.early: list[dict[str, Any]] = []  # events that came before the page of history
        self.not_saved: dict[str, str] = {}  # unsent texts that a full disk did not take
        self.attempt, self.not_before = 0, 0.0
        # The records belong to one user of one server: the next user of this device neither sees nor sends them.
        # The hello frame names the user of a token; until then records are kept by the token.
        self.token_key = f"{url} token {token[-8:]}"
        known = self.read("SELECT user FROM tokens WHERE token = ?", self.token_key)
        self.open(known[0][0] if known else self.token_key)

    def open(self, user: str) -> None:
        """Show the stored messages of this user's room, and continue from its cursor."""
        self.user = user
        self.cursor: int | None = None
        self.epoch: int | None = None
        self.messages: dict[str, Message] = {}
        for cursor, epoch in self.read("SELECT cursor, epoch FROM rooms WHERE user = ? AND room = ?", user, self.room):
            self.cursor, self.epoch = cursor, epoch
        query = "SELECT body FROM messages WHERE user = ? AND room = ? ORDER BY seq"
        for (body,) in self.read(query, user, self.room):
            self.apply_message(json.loads(body))

    # The store

    def read(self, query: str, *values: object) -> list[Any]:
        return self.store.execute(query, values).fetchall()

    def save(self, *statements: tuple[object, ...]) -> bool:
        """Write all statements in one transaction, or none: on a full disk the store stays consistent, only older."""
        try:
            with self.store:
                for statement, *values in statements:
                    self.store.execute(str(statement), values)
        except sqlite3.Error as error:
            print(f"Not saved: {error}", file=sys.stderr)
            return False
        return True

    def save_room(self, changed: list[Message]) -> None:
        """Store the messages and the cursor in one step."""
        here = (self.user, self.room)
        oldest_first = sorted(self.messages.values(), key=lambda message: int(message["seq"]))
        for message in oldest_first[:-KEPT_MESSAGES]:
            del self.messages[message["id"]]
        first_kept = oldest_first[-KEPT_MESSAGES:][0]["seq"] if oldest_first else 0
        rows = [(*here, message["id"], message["seq"], json.dumps(message)) for message in changed]
        self.save(
            *(("INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?)", *row) for row in rows),
            ("DELETE FROM messages WHERE user = ? AND room = ? AND seq < ?", *here, first_kept),
            ("INSERT OR REPLACE INTO rooms VALUES (?, ?, ?, ?)", *here, self.cursor, self.epoch),
        )

    # Sending

    def send(self, text: str) -> None:
        """Keep the text until the server has acknowledged it. Repeated sends make one message."""
        client_id = f"{time.time_ns():020}-{uuid.uuid4().hex[:12]}"  # sorts in the order of writing
        if not self.save(("INSERT INTO unsent VALUES (?, ?, ?, ?)", self.user, self.room, client_id, text)):
            self.not_saved[client_id] = text
        self.start_flush()

    def unsent(self) -> list[tuple[str, str]]:
        query = "SELECT id, text FROM unsent WHERE user = ? AND room = ?"
        return sorted([*self.read(query, self.user, self.room), *self.not_saved.items()])

    def resume(self) -> None:
        self.sending = None
        self.start_flush()

    def start_flush(self) -> None:
        self.flushing = asyncio.ensure_future(self.flush())

    async def flush(self) -> None:
        """Send the oldest unsent text; its reply sends the next one, so the room gets them in the order of writing."""
        waiting = self.unsent()
        if waiting and self.ready and self.sending is None:
            self.sending, text = waiting[0]
            await self.request("send_message", self.sending, client_id=self.sending, text=text)

    async def request(self, action: str, request_id: str, **body: object) -> None:
        frame = {"action": action, "request_id": request_id, "room_id": self.room, **body}
        with suppress(websockets.ConnectionClosed):  # after hello it is sent again
            assert self.socket is not None
            await self.socket.send(json.dumps(frame))

    # Receiving

    async def receive(self, frame: dict[str, Any]) -> None:
        action: str | None = frame.get("action")
        data: Any = frame.get("data")
        problem = frame["errors"][0] if frame.get("errors") else None
        if action == "hello":
            await self.start(data["user"]["id"])
        elif action == "goodbye":
            self.not_before = time.monotonic() + (data["retry_after_ms"] or 0) / 1000
        elif action in ("send_message", "get_message"):
            await self.receive_message(action, frame["request_id"], data, problem)
        elif problem and problem["retryable"]:
            await self.reconnect()
        elif problem:
            raise SystemExit(problem["detail"])  # no longer a member, for example
        elif action == "subscribe":
            self.attempt = 0
            if self.cursor is None or data["replay"] != "complete":  # new here, or away for too long
                self.cursor, self.epoch, self.messages, self.early = None, data["epoch"], {}, []
                await self.request("get_messages", "history", limit=100)
        elif action == "get_messages":
            await self.receive_page(data)
        elif action == "events":
            await self.receive_events(data)

    async def start(self, user_id: str) -> None:
        user = f"{self.url} user {user_id}"
        if user != self.user:  # the first connection of this token
            self.save(
                ("INSERT OR REPLACE INTO tokens VALUES (?, ?)", self.token_key, user),
                ("UPDATE unsent SET user = ? WHERE user = ?", user, self.user),
            )
            self.open(user)
        self.ready, self.sending = True, None
        await self.request("subscribe", "subscribe", after=self.cursor, epoch=self.epoch)
        await self.load_stale()
        await self.flush()

    async def receive_message(self, action: str, client_id: str, message: Message | None, problem: Any) -> None:
        """Take the reply to a send, or a message that was stale."""
        if action == "get_message":
            self.save_room([message] if message and self.apply_message(message) else [])
            return
        if problem and problem["retryable"]:  # nothing is sent until then
            asyncio.get_running_loop().call_later((problem["retry_after_ms"] or 1_000) / 1000, self.resume)
            return
        self.sending = None
        if message:
            self.save_room([message] if self.apply_message(message) else [])
        else:
            print(f"Refused: {problem['detail']}", file=sys.stderr)
        self.not_saved.pop(client_id, None)
        self.save(("DELETE FROM unsent WHERE user = ? AND room = ? AND id = ?", self.user, self.room, client_id))
        await self.flush()

    async def receive_page(self, page: dict[str, Any]) -> None:
        self.cursor = page["head"]
        for message in page["results"]:
            self.apply_message(message)
        self.save(("DELETE FROM messages WHERE user = ? AND room = ?", self.user, self.room))
        self.save_room(list(self.messages.values()))
        await self.receive_events([each for each in self.early if each["seq"] is None or each["seq"] > page["head"]])

    async def receive_events(self, events: list[dict[str, Any]]) -> None:
        if self.cursor is None:  # the page of history comes after these, and may be older
            self.early += events
            return
        changed = [message for event in events for message in self.apply_event(event)]
        if any(event["seq"] is not None for event in events):
            self.save_room(changed)
        if any("stale" in message for message in changed):
            await self.load_stale()
        if any(event["type"] == "room.reset" for event in events):
            await self.reconnect()  # the past was rewritten; the next subscribe is answered with a reset

    async def load_stale(self) -> None:
        """Load the messages that have missed a change."""
        for message in self.messages.values():
            if "stale" in message:
                await self.request("get_message", message["id"], message_id=message["id"])

    def apply_event(self, event: dict[str, Any]) -> list[Message]:
        """Apply one event, and return the messages that it changes."""
        kind, seq, data = event["type"], event["seq"], event["data"]
        if self.cursor is not None and seq is not None:
            self.cursor = max(self.cursor, seq)
        # An edit of a message that is not loaded is not shown: the page that loads it has the newest version.
        if kind == "message.created" or (kind.startswith("message.") and data["id"] in self.messages):
            return [data] if self.apply_message(data) else []
        if "base_version" in data:
            return self.apply_part(data)
        changed = []
        if kind == "user.erased":  # an account was deleted: remove its name here, too
            for message in self.messages.values():
                for shown in (message, message.get("forwarded")):
                    if shown and shown["sender"]["id"] == data["user"]["id"]:
                        shown["sender"] = data["user"]
                        changed.append(message)
        elif kind == "messages.purged":  # the room keeps messages for a time only
            changed = [each for each in self.messages.values() if each["seq"] < data["before_seq"]]
            for message in changed:
                message |= deepcopy(EMPTY) | {"version": seq}
                message["deleted_at"] = message["deleted_at"] or event["at"]
        return changed

    def apply_part(self, data: dict[str, Any]) -> list[Message]:
        """Merge some fields into the message if it has their base version. Otherwise it is stale, and is loaded."""
        held = self.messages.get(data["id"])
        if held is None or held["version"] >= data["version"]:
            return []
        if held["version"] != data["base_version"]:
            held["stale"] = True
            return [held]
        merged = held | {name: data[name] for name in data.keys() & held.keys()}
        if reaction := data.get("reaction"):  # of one key: replaced, added, or gone at 0
            by_key = {each["key"]: each for each in held.get("reactions", [])} | {reaction["key"]: reaction}
            merged["reactions"] = [each for each in by_key.values() if each["count"]]
        self.apply_message(merged)
        return [merged]

    def apply_message(self, message: Message) -> bool:
        """Take a message if it is newer, or the copy is not whole: reply, event and page may bring it in any order."""
        held = self.messages.get(message["id"])
        if held is not None and not supersedes(message, held):
            return False
        self.messages[message["id"]] = message
        self.on_message(message)
        return True

    # The connection

    async def reconnect(self) -> None:
        """Close the socket after any failure: unsent texts and missed events follow the next hello."""
        assert self.socket is not None
        await self.socket.close()

    async def run(self) -> None:
        """Connect, and reconnect after each break, until a close code is final. Cancel it to stop."""
        while True:
            with suppress(OSError, websockets.WebSocketException):
                protocols = [websockets.Subprotocol("chat.v1"), websockets.Subprotocol(f"bearer.{self.token}")]
                async with websockets.connect(self.url, subprotocols=protocols) as self.socket:
                    async with asyncio.timeout(HELLO_SECONDS):
                        await self.receive(json.loads(await self.socket.recv()))
                    async for frame in self.socket:
                        await self.receive(json.loads(frame))
            self.ready = False
            if self.socket is not None and self.socket.close_code in STOP:
                raise SystemExit(f"Closed for good: {self.socket.close_reason}")
            longest = min(LONGEST_PAUSE_SECONDS, 2**self.attempt / 2)
            await asyncio.sleep(max(self.not_before - time.monotonic(), random.uniform(0, longest)))  # full jitter
            self.attempt = min(self.attempt + 1, 10)


def supersedes(message: Message, held: Message) -> bool:
    """A newer version does, and one of the same version when the copy that is held is not whole."""
    if message["version"] != held["version"] or held.get("blocked"):
        return bool(message["version"] >= held["version"])
    if held.get("streaming") and message.get("streaming"):
        return len(message["text"] or "") > len(held["text"] or "")
    return bool(held.get("streaming") or held.get("stale"))


async def main() -> None:
    url, token, room, store = sys.argv[1:]
    loop = asyncio.get_running_loop()
    client = Client(
        url, token, room, store, lambda each: print(f"{each['sender']['username']}: {each['text']}", flush=True)
    )

    def read_lines() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(client.send, line.strip())

    threading.Thread(target=read_lines, daemon=True).start()
    await client.run()


if __name__ == "__main__":
    asyncio.run(main())
