"""Examples, generated from the schemas, so that they have every field."""

from __future__ import annotations

from typing import Any

from accounts.services import MAX_SESSIONS
from api.serializers.messages import BATCH, HISTORY_PAGE_MAX
from api.services.members import MAX_ROOMS
from contracts.components import ALWAYS_NULL, Schema
from contracts.events import component_of
from eventlog.event_types import EventType
from realtime.close_codes import CloseCode
from realtime.ephemeral import TYPING_EXPIRE_MS, TYPING_RESEND_MS
from realtime.limits import (
    MAX_INBOUND_FRAME_BYTES,
    MAX_REPLAY_EVENTS,
    MAX_SOCKETS_OF_ADDRESS,
    MAX_SOCKETS_OF_SESSION,
    MAX_SOCKETS_OF_USER,
)
from wire.fields import METADATA_BYTES, TEXT_BYTES, TEXT_CHARS
from wire.problems import FieldError, Problem
from wire.rates import ANNOUNCED

ROOM = "0199c7a5-3d2e-7c41-9a52-6f0d8e1b4c70"
OTHER_ROOM = "0199c7a0-11f3-7b02-8d6e-2a9c4f7e5d13"
MESSAGE = "0199c7b2-8e4a-7f36-b0c1-93d2e5a7084f"
ROOT_MESSAGE = "0199c7b1-5d03-7c18-9ae7-41f86b20d95c"
ALICE = "0199c79e-6b1c-7d58-a3f4-0c8e7d2b9a16"
BOB = "0199c79f-25d7-7a94-8e0b-5f1d3c6a7b82"
SESSION = "0199c7a4-f0b6-7e23-9c7d-b81a4e60d35f"
REQUEST = "0199c7b3-04c9-7198-a6e5-7d20f3b8c641"
TIME = "2026-11-22T09:30:00.000Z"

# Values by the name of the field, alone or in one component; everything else follows from its type. Each id belongs to
# one thing, and the values agree with one another: the message has seq 42, and the head of the room is 42.
VALUES: dict[str, Any] = {
    "room_id": ROOM,
    "message_id": MESSAGE,
    "Message.id": MESSAGE,
    "MessageAndMine.id": MESSAGE,
    "PinChanged.id": MESSAGE,
    "ReactionChanged.id": MESSAGE,
    "ThreadChanged.id": MESSAGE,
    "TextAppended.id": MESSAGE,
    "Myself.id": ALICE,
    "user_id": BOB,
    "actor_id": ALICE,
    "User.id": ALICE,
    "Me.id": ALICE,
    "Author.id": ALICE,
    "Session.id": SESSION,
    "RemovedRoom.id": OTHER_ROOM,
    "SendResult.id": MESSAGE,
    "id": ROOM,
    "user_ids": [BOB],
    "Presence.state": "away",
    "last_seen_at": TIME,
    "CreateRoomBody.members": [BOB],
    "InitialMember.user_id": ALICE,
    "username": "alice",
    "sender": "alice",
    "display_name": "Alice Liddell",
    "email": "alice@example.com",
    "email_verified": True,
    "avatar_url": "https://example.com/alice.png",
    "password": "correct-horse-battery",
    "old": "correct-horse-battery",
    "new": "staple-in-the-tea-cup",
    "token": "prl_V3ryS3cretV3ryS3cretV3ryS3cretV3ryS3cretV3ryS",
    "ConfirmPasswordResetBody.token": "WyIwMTk5Yzc5ZTZiIiwiM2Y5YSJd.1vN8aQ.Kc0nfirm",
    "VerifyEmailBody.token": "WyIwMTk5Yzc5ZTZiIiwiM2Y5YSJd.1vN8aQ.Kc0nfirm",
    "ExchangeBody.token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl",
    "external_id": "42",
    "expires_in": 3_600,
    "AdminUser.id": ALICE,
    "is_active": True,
    "platform": "ios",
    "name": "Tea party",
    "Device.name": "Alice's phone",
    "Session.name": "Alice's phone",
    "topic": "Twinkle, twinkle, little bat",
    "text": "We're all mad here.",
    "message": "We're all mad here.",
    "client_id": "c0ffee01",
    "slug": "tea-party",
    "reply_to": None,
    "link_id": "0199c7b8-5d0e-7a61-93f4-6b2d8c1e7f05",
    "Link.id": "0199c7b8-5d0e-7a61-93f4-6b2d8c1e7f05",
    "NewLink.id": "0199c7b8-5d0e-7a61-93f4-6b2d8c1e7f05",
    "code": "q3bXkVd0TzS1yWcE8mUo5A",
    "max_age_seconds": 86_400,
    "max_uses": 10,
    "uses": 0,
    "until": None,
    "snoozed_until": None,
    "muted_until": None,
    "Ban.reason": "Shouts",
    "Mute.reason": "Shouts",
    "SanctionBody.reason": "Shouts",
    "peer": None,
    "metadata": {},
    "rooms": {ROOM: 41},
    "Limits.rooms": MAX_ROOMS,
    "Limits.page": HISTORY_PAGE_MAX,
    "Limits.batch": BATCH,
    "Limits.replay": MAX_REPLAY_EVENTS,
    "resend_ms": TYPING_RESEND_MS,
    "expire_ms": TYPING_EXPIRE_MS,
    "request_id": "a1",
    "connection_id": "5d41402abc4b2a76b9719d911017c592",
    "protocol": "chat.v1",
    "server_time": TIME,
    "created_at": "2026-11-22T09:00:00.000Z",
    "Message.created_at": TIME,
    "joined_at": "2026-11-22T09:00:00.000Z",
    "last_used_at": TIME,
    "expires_at": "2026-12-22T09:30:00.000Z",
    "epoch": 1,
    "limit": 50,
    "head": 42,
    "seq": 42,
    "version": 42,
    "if_version": 42,
    "oldest_seq": 42,
    "newest_seq": 42,
    "more_before": True,
    "read_seq": 41,
    "unread": 1,
    "member_count": 2,
    "after": 41,
    "frame_bytes": MAX_INBOUND_FRAME_BYTES,
    "Sockets.session": MAX_SOCKETS_OF_SESSION,
    "Sockets.user": MAX_SOCKETS_OF_USER,
    "Sockets.address": MAX_SOCKETS_OF_ADDRESS,
    "sessions": MAX_SESSIONS,
    "rates": ANNOUNCED,
    "text_chars": TEXT_CHARS,
    "text_bytes": TEXT_BYTES,
    "metadata_bytes": METADATA_BYTES,
    "interval_ms": 25_000,
    "Goodbye.code": CloseCode.RESTART.value,
    "Goodbye.reason": "restart",
    "Goodbye.reconnect": True,
    "Goodbye.retry_after_ms": 1_800,
    "retry_after_ms": None,
    "archived_at": None,
    "edited_at": None,
    "deleted_at": None,
    "Mentions.users": [],
    "Mentions.room": False,
    "attachments": [],
    "forward": None,
    "mine": {},
    "key": "\U0001f44d",
    "count": 1,
    "base_version": 42,
    "reactions": [],
    "thread_root": ROOT_MESSAGE,
    "Message.thread_root": None,
    "thread": None,
    "mentions_total": 1,
    "in_room": False,
    "pinned_at": None,
    "pinned_by": None,
    "forwarded": None,
    "streaming": False,
    "interrupted": False,
    "blocked": False,
    "limited": None,
    "error": None,
    "RoomCreatedEvent.seq": 1,
    "next": None,
    "previous": None,
    "current": True,
    "subscribe": True,
    "ReadUpdatedEvent.room_id": None,
    "SendResult.status": 201,
    "inbox": 7,
    "wait_ms": 25_000,
    "SyncedInbox.head": 7,
    "SyncedInbox.events": [],
    "MarkReadFrame.seq": 41,
    "MarkReadBody.seq": 41,
    "on": True,
}
LEFT_OUT = {"before", "around", "cursor"}  # they exclude `after`; only the server makes a cursor


def example(schema: Schema, schemas: dict[str, Schema], name: str = "", owner: str = "") -> Any:
    """An example of a schema. `name` is the field that holds the value, `owner` the component of that field."""
    is_nullable = "null" in schema.get("type", ()) or {"type": "null"} in schema.get("oneOf", ())
    left_null = name in VALUES and VALUES[name] is None and is_nullable
    if left_null or schema.get("description") == ALWAYS_NULL or schema.get("enum") == [None]:
        return None
    if "$ref" in schema:
        component = schema["$ref"].rsplit("/", 1)[1]
        return PROBLEM if component == "Problem" else example(schemas[component], schemas, name, component)
    if "const" in schema:
        return schema["const"]
    if "oneOf" in schema:
        mapping = schema.get("discriminator", {}).get("mapping", {})
        chosen = {"$ref": mapping["message.created"]} if "message.created" in mapping else schema["oneOf"][0]
        return example(chosen, schemas, name)
    if schema.get("type") == "object" and "properties" in schema:
        return {
            key: example(value, schemas, f"{owner}.{key}" if f"{owner}.{key}" in VALUES else key, owner)
            for key, value in schema["properties"].items()
            if key not in LEFT_OUT or key in schema.get("required", ())
        }
    return _value(schema, schemas, name)


LATER = "2026-11-22T09:40:00.000Z"
NEXT = {"seq": 43, "at": LATER}
# By event type, the values that differ from the example of its schema: of the event, and of its data.
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "room.archived": (NEXT, {"slug": None, "archived_at": LATER}),
    "member.left": (NEXT, {"state": "left"}),
    "member.removed": (NEXT, {"state": "removed"}),
    "member.role_changed": (NEXT, {"role": "admin"}),
    "message.edited": (NEXT, {"version": 43, "text": "You're mad too.", "edited_at": LATER}),
    "message.deleted": (NEXT, {"version": 43, "text": None, "deleted_at": LATER}),
    "reaction.changed": (NEXT, {"version": 43}),
    "pin.added": (NEXT, {"version": 43, "pinned_at": LATER, "pinned_by": ALICE}),
    "pin.removed": (NEXT, {"version": 43}),
    "messages.purged": (NEXT, {"before_seq": 40}),
    "user.erased": (
        NEXT,
        {
            "user": {
                "id": BOB,
                "username": "deleted-5f1d3c6a7b82",
                "display_name": "Deleted account",
                "avatar_url": None,
                "kind": "person",
            }
        },
    ),
    "room.added": ({"seq": 7}, {}),
    "room.removed": ({"seq": 7}, {}),
    "room.limited": ({}, {"from": 2, "to": 41}),
    "session.expiring": ({}, {"expires_at": "2026-11-22T09:31:00.000Z"}),
}


def event_example(event: EventType, schemas: dict[str, Schema]) -> dict[str, Any]:
    """An example of an event in its stream."""
    shown: dict[str, Any] = example({"$ref": f"#/components/schemas/{component_of(event)}"}, schemas)
    own, data = CHANGES.get(event.name, ({}, {}))
    if event.name == "read.updated":
        own = {"seq": 7} if event.durable else {"room_id": ROOM, "seq": None, "actor_id": BOB}
        data = {"user_id": ALICE if event.durable else BOB}
    kept = {key: value for key, value in shown["data"].items() if event.durable or not key.startswith("unread")}
    return shown | own | {"data": kept | data}


def problem_example(code: str, request_id: str | None = REQUEST) -> dict[str, Any]:
    """An example of a problem with this code."""
    errors = [FieldError("colour", "unknown", "There is no such field.")] if code == "request.invalid" else []
    return Problem(code, errors=errors).as_dict(request_id)


PROBLEM = problem_example("request.invalid", None)


def problem_reply_example(reply: Schema, schemas: dict[str, Schema]) -> dict[str, Any]:
    """An example of a reply with a problem, the first one that its action documents."""
    problem = problem_example(reply["x-problem-codes"][0], VALUES["request_id"])
    failed = {"response_status": problem["status"], "errors": [problem], "data": None}
    return {key: failed.get(key, example(value, schemas, key)) for key, value in reply["properties"].items()}


def _value(schema: Schema, schemas: dict[str, Schema], name: str) -> Any:
    kind = schema.get("type")
    first = kind[0] if isinstance(kind, list) else kind  # null stands last
    if name in VALUES and _fits(VALUES[name], str(first), schema):
        return VALUES[name]
    if first == "array":
        return [] if name == "errors" else [example(schema["items"], schemas, name)]
    if "enum" in schema:
        return schema["enum"][0]
    if name in VALUES and first == "string":
        return str(VALUES[name])
    if schema.get("format") in ("uuid", "date-time"):
        return ROOM if schema["format"] == "uuid" else TIME
    if first == "integer":
        return max(1, schema.get("minimum", 1))
    return {"boolean": False, "string": "words", "null": None}.get(str(first), {})


def _fits(value: object, kind: str, schema: Schema) -> bool:
    """Return whether a value is of the type: two fields of one name may have two."""
    types: dict[str, type] = {"array": list, "boolean": bool, "integer": int, "object": dict, "string": str}
    return isinstance(value, types[kind]) and ("enum" not in schema or value in schema["enum"])
