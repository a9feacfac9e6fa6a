"""Examples, made from the schemas: a new field is in the examples without a word."""

from __future__ import annotations

from typing import Any

from realtime.contracts.components import Schema
from wire.problems import FieldError, Problem

ID = "0199c7a5-3d2e-7c41-9a52-6f0d8e1b4c70"
TIME = "2026-11-22T09:30:00.000Z"

# What a reader expects under these names; everything else follows from its type.
VALUES: dict[str, Any] = {
    "username": "alice",
    "sender": "alice",
    "display_name": "Alice Liddell",
    "avatar_url": "https://example.com/alice.png",
    "password": "correct-horse-battery",
    "old": "correct-horse-battery",
    "new": "staple-in-the-tea-cup",
    "token": "prl_V3ryS3cretV3ryS3cretV3ryS3cretV3ryS3cretV3ryS",
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
    "metadata": {},
    "rooms": {ID: 41},
    "Limits.rooms": 1_000,
    "Limits.page": 100,
    "Limits.batch": 50,
    "Limits.replay": 1_000,
    "resend_ms": 5_000,
    "expire_ms": 15_000,
    "request_id": "a1",
    "connection_id": "5d41402abc4b2a76b9719d911017c592",
    "protocol": "chat.v1",
    "server_time": TIME,
    "epoch": 1,
    "limit": 50,
    "head": 42,
    "seq": 42,
    "version": 42,
    "if_version": 42,
    "after": 41,
    "frame_bytes": 65_536,
    "text_chars": 8_000,
    "text_bytes": 16_384,
    "metadata_bytes": 4_096,
    "interval_ms": 25_000,
    "retry_after_ms": None,
    "archived_at": None,
    "edited_at": None,
    "deleted_at": None,
    "next": None,
    "previous": None,
}
LEFT_OUT = {"before", "around", "cursor"}  # beside `after` they would contradict it; a cursor is the server's to make


def example(schema: Schema, schemas: dict[str, Schema], name: str = "", owner: str = "") -> Any:
    """A value that the schema describes. `name` is that of the field which holds it, `owner` that of its component."""
    if "$ref" in schema:
        component = schema["$ref"].rsplit("/", 1)[1]
        return example(schemas[component], schemas, name, component)
    if "const" in schema:
        return schema["const"]
    if "allOf" in schema:
        return _problem(schema["allOf"])
    for union in ("oneOf", "anyOf"):
        if union in schema:
            return example(schema[union][0], schemas, name)
    if schema.get("type") == "object" and "properties" in schema:
        return {
            key: example(value, schemas, f"{owner}.{key}" if f"{owner}.{key}" in VALUES else key)
            for key, value in schema["properties"].items()
            if key not in LEFT_OUT or key in schema.get("required", ())
        }
    return _value(schema, schemas, name)


def problem_example(code: str) -> dict[str, Any]:
    """What a problem of this code looks like."""
    errors = [FieldError("colour", "unknown", "There is no such field.")] if code == "request.invalid" else []
    return Problem(code, errors=errors).as_dict(ID)


def _problem(parts: list[Schema]) -> dict[str, Any]:
    """The one use of allOf: a problem that is narrowed to some codes."""
    code: str = parts[1]["properties"]["code"]["enum"][0]
    return problem_example(code)


def _value(schema: Schema, schemas: dict[str, Schema], name: str) -> Any:
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind  # null stands last
    if kind == "array":
        return [] if schema.get("maxItems") == 0 else [example(schema["items"], schemas, name)]
    if "enum" in schema:
        return schema["enum"][0]
    if name in VALUES:
        return VALUES[name]
    if schema.get("format") in ("uuid", "date-time"):
        return ID if schema["format"] == "uuid" else TIME
    if kind == "integer":
        return max(1, schema.get("minimum", 1))
    return {"boolean": True, "string": "words", "null": None}.get(str(kind), {})
