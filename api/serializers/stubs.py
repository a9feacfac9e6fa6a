"""Stubs: the messages of users whom the viewer blocks, without their content, under the same seq and version.

Messages and events are rendered for everybody. A stub is made when one is sent to a viewer who blocks its sender.
"""

from collections.abc import Collection
from typing import Any

import orjson

_SENDER = b'"sender":{"id":"'  # only fields that the server fills stand before it
_ID_CHARS = 36
_WHOLE_EVENT = b'{"type":"message.'
_EMPTY: dict[str, Any] = {
    "text": None,
    "metadata": {},
    "mentions": {"users": [], "room": False},
    "attachments": [],
    "reply_to": None,
    "forwarded": None,
    "blocked": True,
}


def sender_of(json: bytes) -> str | None:
    """Return the id of the sender of a rendered Message, or of the Message in a rendered event; None without one."""
    start = json.find(_SENDER) + len(_SENDER)
    return json[start : start + _ID_CHARS].decode() if start >= len(_SENDER) else None


def stub_message(json: bytes) -> bytes:
    """Return the stub of a rendered Message."""
    return orjson.dumps(orjson.loads(json) | _EMPTY)


def stub_event(json: bytes) -> bytes:
    """Return a rendered event with the stub of its Message."""
    event = orjson.loads(json)
    return orjson.dumps({**event, "data": event["data"] | _EMPTY})


def hide_message(json: bytes, blocked: Collection[str]) -> bytes:
    """Return the Message as a viewer gets it who blocks these users."""
    return stub_message(json) if blocked and sender_of(json) in blocked else json


def hide_event(json: bytes, blocked: Collection[str]) -> bytes:
    """Return the event as a viewer gets it who blocks these users: partial events have nothing to hide."""
    is_hidden = blocked and json.startswith(_WHOLE_EVENT) and sender_of(json) in blocked
    return stub_event(json) if is_hidden else json
