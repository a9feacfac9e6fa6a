"""The tables of an export, in the order of their lines, and the JSON form of a row.

The first line is the header, the last one the number of rows of each table:

    {"parley": 1, "epoch": 3, "exported_at": "2026-11-26T04:30:00.000Z"}
    {"table": "users", "row": {"id": "...", "username": "alice", ...}}
    {"end": {"users": 1, ...}}
"""

import base64
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Field

from accounts.models import AuditRecord, EmailAddress, ExternalIdentity, HeldUsername, User
from api.models import (
    Ban,
    Block,
    BlockList,
    Delivery,
    Draft,
    Forward,
    Invite,
    Job,
    Link,
    Member,
    MembershipPeriod,
    Mention,
    Message,
    Mute,
    Pin,
    Reaction,
    Room,
    StreamedMessage,
    Thread,
    ThreadFollow,
    UserSettings,
)
from eventlog.models import Event, StreamHead

FORMAT = 1
ROWS = 500  # of one query or INSERT

# Each row refers only to rows before it. What is derived from them, the words of the search, is made anew.
EXPORTED: dict[str, type[models.Model]] = {
    "users": User,
    "emails": EmailAddress,
    "external_ids": ExternalIdentity,
    "held_usernames": HeldUsername,
    "settings": UserSettings,
    "blocks": Block,
    "block_lists": BlockList,
    "rooms": Room,
    "members": Member,
    "periods": MembershipPeriod,
    "deliveries": Delivery,
    "invites": Invite,
    "links": Link,
    "bans": Ban,
    "mutes": Mute,
    "messages": Message,
    "reactions": Reaction,
    "pins": Pin,
    "forwards": Forward,
    "streamed": StreamedMessage,
    "threads": Thread,
    "thread_follows": ThreadFollow,
    "mentions": Mention,
    "drafts": Draft,
    "heads": StreamHead,
    "events": Event,
    "audit": AuditRecord,
    "jobs": Job,
}
# Sessions, server keys and waiting mail end with the move; the epoch is in the header; the others are derived.
LEFT_OUT = frozenset({"Session", "ServerKey", "Mail", "Epoch", "NameWord", "RoomNamePart"})

ORDER: dict[str, tuple[str, ...]] = {
    "events": ("stream", "seq"),
    "reactions": ("message_id", "user_id", "key"),
}  # of all others: the primary key


def columns(model: type[models.Model]) -> dict[str, "Field[Any, Any]"]:
    """Return the fields of a table by the name of their column, without a number that the database assigns."""
    fields = (field for field in model._meta.concrete_fields if field.get_internal_type() != "BigAutoField")
    return {field.attname: field for field in fields}


def encode(value: object) -> object:
    """Return a value as JSON has it. Times keep their microseconds."""
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def decode(field: "Field[Any, Any]", value: Any) -> Any:
    """Return the value of a column. Raises ValueError, TypeError or ValidationError for one that it cannot have."""
    if value is None or isinstance(field, models.JSONField):
        return value
    if isinstance(field, models.BinaryField):
        return base64.b64decode(value, validate=True)
    return field.to_python(value)
