"""Snapshots: everything that REST shows to one viewer now, read page by page."""

from __future__ import annotations

from typing import Any

from tests.fold.state import JSON, Loaded, Snapshot
from tests.sockets import Account

PAGE = 20  # small, so that the seams between pages are seen too


class Refused(Exception):
    """The viewer may not read this (any more)."""


async def read_before(viewer: Account, *, is_new: bool = True) -> Snapshot:
    """Read what a fold begins with; the rest is empty. A new viewer has no threads and blocks nobody."""
    inbox = await _get(viewer, "me/events", limit=1)
    threads = [] if is_new else await _get_all(viewer, "me/threads")
    blocks = [] if is_new else await _get_all(viewer, "me/blocks")
    me = await _get(viewer, "me")
    return {
        "inbox": inbox["head"],
        "me": {name: value for name, value in me.items() if not name.startswith("unread_")},
        "blocks": sorted(block["user"]["id"] for block in blocks),
        "unread_total": me["unread_total"],
        "unread": {},
        "threads": threads,
        "rooms": [await load(viewer, room, threads) for room in (await _synced_rooms(viewer)).values()],
        "lists": {},
    }


async def read_snapshot(viewer: Account) -> Snapshot:
    """Read everything that the viewer sees. There must be no writes meanwhile."""
    snapshot = await read_before(viewer, is_new=False)
    lists = {
        name: await _get_all(viewer, "rooms", **({name: "true"} if name else {})) for name in ("", "archived", "hidden")
    }
    rooms = {row["room"]["id"]: row["room"] for row in snapshot["rooms"]}
    for room in (room for rows in lists.values() for room in rows):
        assert room == rooms[room["id"]], "The room in the list and in sync agree"
    for room_id, room in rooms.items():
        assert room == await _get(viewer, f"rooms/{room_id}"), "The room and its row in sync agree"
    return {
        **snapshot,
        "unread": await _get(viewer, "me/unread"),
        "lists": {name: [room["id"] for room in rows] for name, rows in lists.items()},
    }


async def _synced_rooms(viewer: Account) -> dict[str, JSON]:
    """The viewer's rooms: also direct rooms that the other user opened and that have no message, which no list has."""
    rooms: dict[str, JSON] = {}
    body: JSON = {"next": None}
    while True:
        response = await viewer.post("/v1/sync", body)
        page = response.json()
        rooms |= {entry["id"]: entry["room"] for entry in page["rooms"]}
        if page["next"] is None:
            return rooms
        body["next"] = page["next"]


async def load_room(viewer: Account, room_id: str) -> Loaded:
    """One room. Raises Refused."""
    room = await _get(viewer, f"rooms/{room_id}")
    if room["me"]["state"] != "joined":
        raise Refused(room_id)
    return await load(viewer, room)


async def load(viewer: Account, room: JSON, threads: list[JSON] | None = None) -> Loaded:
    """The rest of a room that was read already; `threads` are those of all rooms. Raises Refused."""
    path = f"rooms/{room['id']}"
    main, mine = await _history(viewer, path)
    replies = [await _history(viewer, path, thread=root["id"]) for root in main if root["thread"]]
    by_id = {message["id"]: message for messages, _ in ((main, mine), *replies) for message in messages}
    for _, of_replies in replies:
        mine |= of_replies
    pins = await _get_all(viewer, f"{path}/pins")
    assert pins == [by_id[pin["id"]] for pin in pins], "Pins and history agree"
    followed = await _get_all(viewer, "me/threads") if threads is None else threads
    return {
        "room": room,
        "messages": sorted(by_id.values(), key=lambda message: int(message["seq"])),
        "members": await _get_all(viewer, f"{path}/members"),
        "mine": mine,
        "pins": [pin["id"] for pin in pins],
        "threads": [row for row in followed if row["room_id"] == room["id"]],
    }


async def _history(viewer: Account, path: str, **query: Any) -> tuple[list[JSON], dict[str, list[str]]]:
    messages: list[JSON] = []
    mine: dict[str, list[str]] = {}
    anchor: dict[str, Any] = {}
    while True:
        page = await _get(viewer, f"{path}/messages", limit=PAGE, **query, **anchor)
        messages = page["results"] + messages
        mine |= page["mine"]
        if not page["page"]["more_before"]:
            return messages, mine
        anchor = {"before": page["page"]["oldest_seq"]}


async def _get_all(viewer: Account, path: str, **parameters: Any) -> list[JSON]:
    rows: list[JSON] = []
    query: dict[str, Any] = parameters
    while True:
        page = await _get(viewer, path, limit=PAGE, **query)
        rows += page["results"]
        if page["next"] is None:
            return rows
        query = {**parameters, "cursor": page["next"]}


async def _get(viewer: Account, path: str, **query: Any) -> JSON:
    response = await viewer.get(f"/v1/{path}", **query)
    if response.status_code in (403, 404):
        raise Refused(path)
    assert response.status_code == 200, response.text
    body: JSON = response.json()
    return body
