"""Helpers of the tests of rooms: make a room, send a message, read the events of a stream."""

from typing import Any
from uuid import uuid4

import orjson

from eventlog.models import Event
from tests.clients import Person

ROOM_KEYS = {
    "id",
    "kind",
    "name",
    "slug",
    "topic",
    "metadata",
    "history",
    "posting",
    "slow_mode_seconds",
    "retention_days",
    "mode",
    "head",
    "epoch",
    "last_event_at",
    "last_message_at",
    "member_count",
    "created_at",
    "archived_at",
    "last_message",
    "peer",
    "me",
}
OUTSIDE: dict[str, Any] = {
    "state": None,
    "role": None,
    "can": [],
    "read_seq": None,
    "unread": 0,
    "unread_capped": False,
    "notify": "all",
    "snoozed_until": None,
    "pinned": False,
    "unread_mentions": 0,
    "unread_threads": 0,
    "hidden": False,
    "muted_until": None,
}
UNCHANGED = {"notify": "all", "snoozed_until": None, "pinned": False}  # of the data of room.preferred


def make_room(owner: Person, *, kind: str = "private", members: list[Person] | None = None, **more: Any) -> Any:
    """A room with its first members, as its owner sees it."""
    ids = [member.user.id for member in members or []]
    response = owner.post("/v1/rooms", {"kind": kind, "name": "Tea", "members": ids, **more})
    assert response.status_code == 201, response.json()
    return response.json()


def events_of(room: Any, after: int = 0) -> list[Any]:
    """The events of a room's stream after a seq, as clients receive them."""
    events = Event.objects.filter(stream=room["id"], seq__gt=after).order_by("seq")
    return [orjson.loads(event.json()) for event in events]


def inbox_of(person: Person) -> list[Any]:
    """The events of a user's inbox stream, with their `seq` in the log, which clients do not receive."""
    events = Event.objects.filter(stream=person.user.id).order_by("seq")
    return [orjson.loads(event.json()) | {"seq": event.seq} for event in events]


def types_of(room: Any) -> list[str]:
    """The types of a room's events, in order."""
    return [event["type"] for event in events_of(room)]


def refusal(response: Any) -> tuple[int, str]:
    """Status and code of a refused request."""
    return response.status_code, response.json()["code"]


def post_message(person: Person, room: Any, text: str) -> Any:
    """Sends a message and returns it as the sender received it."""
    body = {"client_id": uuid4().hex, "text": text}
    response = person.post(f"/v1/rooms/{room['id']}/messages", body)
    assert response.status_code == 201, response.json()
    return response.json()


def reply_in_thread(person: Person, room: Any, root: Any, text: str = "so she was", **more: Any) -> Any:
    """Sends a reply in the thread of a message and returns it as the sender received it."""
    body = {"client_id": uuid4().hex, "text": text, "thread_root": root["id"], **more}
    response = person.post(f"/v1/rooms/{room['id']}/messages", body)
    assert response.status_code == 201, response.json()
    return response.json()
