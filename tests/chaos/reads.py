"""The last look at everything when all is quiet: the rows by SQL, past every server, and each user's view by REST."""

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg

from tests.chaos.checker.people import is_agreed
from tests.chaos.cluster import DATABASE, Cluster
from tests.chaos.device import Device
from tests.chaos.history import History

Row = dict[str, Any]
TABLES = {
    "event": "SELECT stream, seq, type, actor_id, message_id, data, at FROM api_event ORDER BY stream, seq",
    "message": "SELECT id, room_id, seq, version, sender_id, client_id, deleted_at, data FROM api_message",
    "member": "SELECT room_id, user_id, role, state, read_seq, put_by_other FROM api_member",
    "block": "SELECT user_id, blocked_id FROM api_block",
    "head": "SELECT stream, last_seq FROM api_streamhead",
    "room": "SELECT id, kind, history, name FROM api_room",
}
INBOX_TYPES = frozenset({"room.added", "room.removed", "room.invited", "room.uninvited", "read.updated"}) | {
    *("block.added", "block.removed", "thread.followed", "thread.unfollowed", "thread.read")
}
PRESENCE_SECONDS = 30.0  # in which all servers must agree, on a busy machine too


def read_rows(cluster: Cluster) -> dict[str, list[Row]]:
    """All rows that matter, with ids as strings and times as on the wire."""
    return {name: list(_select(cluster, query)) for name, query in TABLES.items()}


def _select(cluster: Cluster, query: str) -> Iterator[Row]:
    if cluster.postgres is not None:
        with psycopg.connect(cluster.postgres.database_url(DATABASE)) as connection:
            cursor = connection.execute(query.encode())
            names, rows = [column.name for column in cursor.description or ()], cursor.fetchall()
    else:
        with sqlite3.connect(cluster.file) as file:
            found = file.execute(query)
            names, rows = [column[0] for column in found.description], found.fetchall()
    for row in rows:
        yield {name: _plain(name, value) for name, value in zip(names, row, strict=True)}


def _plain(name: str, value: Any) -> Any:
    if value is not None and (name in ("id", "stream") or name.endswith("_id")) and name != "client_id":
        return str(UUID(str(value)))
    if value is not None and name in ("at", "deleted_at"):
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def as_event(row: Row) -> dict[str, Any]:
    """A row of the log in the form that clients receive, rendered apart from the product's code."""
    inbox = row["type"] in INBOX_TYPES
    return {
        "type": row["type"],
        "room_id": None if inbox else row["stream"],
        "seq": row["seq"],
        "at": row["at"],
        "actor_id": row["actor_id"],
        "data": orjson.loads(row["data"]),
    }


async def record_end(cluster: Cluster, history: History, devices: list[Device]) -> None:
    """Put the last reads into the history: SQL, then every user's rooms and messages from two processes."""
    rows = await asyncio.to_thread(read_rows, cluster)
    for name in ("room", "member", "head", "message", "block"):
        history.add(f"end_{name}", rows=rows[name])
    history.add("end_log", events=[{"stream": row["stream"], "event": as_event(row)} for row in rows["event"]])
    seen: set[str] = set()
    for device in devices:
        if device.person.id not in seen:
            seen.add(device.person.id)
            for server in range(min(2, cluster.size)):
                await _record_view(device, server)
    await _record_presence(history, devices, range(min(2, cluster.size)))


async def _record_presence(history: History, devices: list[Device], servers: range) -> None:
    """Ask each server who is online, until all of them show every connected person or the time is over."""
    people = {device.person.id: device for device in devices}
    viewers = list(people.values())[:3]
    deadline = asyncio.get_running_loop().time() + PRESENCE_SECONDS
    while True:
        asked = [
            (viewer.person.id, server, await viewer.rest("POST", "presence/watch", body=body, server=server))
            for body in [{"user_ids": list(people)}]
            for viewer in viewers
            for server in servers
        ]
        seen = [
            {
                "user": user,
                "server": server,
                "states": {each["user_id"]: each["state"] for each in answer.data["states"]},
            }
            for user, server, answer in asked
            if answer.status == 200
        ]
        history.add("presence", seen=seen)
        rows = [record for record in history.records if record["kind"] in ("end_member", "end_block")]
        if is_agreed(rows, seen) or asyncio.get_running_loop().time() > deadline:
            history.add("end_presence", seen=seen)
            return
        await asyncio.sleep(1)


async def _record_view(device: Device, server: int) -> None:
    answer = await device.rest("GET", "rooms?limit=100", server=server)
    if answer.status == 401:  # its session was ended, and it has not noticed yet
        await device.enter(first=False)
        answer = await device.rest("GET", "rooms?limit=100", server=server)
    for room in answer.data["results"]:
        messages: list[list[Any]] = []
        before = ""
        while True:
            page = await device.rest("GET", f"rooms/{room['id']}/messages?limit=100{before}", server=server)
            found = page.data["results"]
            messages[:0] = [[each["id"], each["seq"], each["version"], each["text"]] for each in found]
            if not page.data["page"]["more_before"]:
                break
            before = f"&before={page.data['page']['oldest_seq']}"
        fields = {"head": room["head"], "me": room["me"], "messages": messages}
        device.history.add("end_view", user=device.person.id, server=server, room=room["id"], **fields)
    threads: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await device.rest("GET", f"me/threads?limit=100{cursor}", server=server)
        threads += [
            {"root": row["root"]["id"], "room": row["room_id"], "read_seq": row["read_seq"], "unread": row["unread"]}
            for row in page.data["results"]
        ]
        if page.data["next"] is None:
            break
        cursor = f"&cursor={page.data['next']}"
    device.history.add("end_threads", user=device.person.id, server=server, threads=threads)
