"""The registry of event types. Each app declares its own types once, when it is loaded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rest_framework.serializers import Serializer

# Maps an event's data to the users whose membership of the room it begins (True) or ends (False).
MembershipEffect = Callable[[Mapping[str, Any]], Mapping[str, bool]]

# Adds to the JSON of an event's data, text or bytes, what an earlier release left out.
Completion = Callable[[Any], str | bytes]


class StreamKind(StrEnum):
    """The streams in which an event type occurs."""

    ROOM = "room"
    INBOX = "inbox"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class EventType:
    """One declared type. A durable event is stored with a seq; an ephemeral one is pushed once and may be lost.

    A name may be declared twice: as a durable type, and as an ephemeral type of another stream.
    """

    name: str
    data: type[Serializer[Any]]
    stream: StreamKind
    durable: bool
    summary: str
    membership: MembershipEffect | None = None
    complete: Completion | None = None


# Looked up by name for every event that is written, read or delivered.
MEMBERSHIP_EFFECTS: dict[str, MembershipEffect] = {}
COMPLETIONS: dict[str, Completion] = {}
INBOX_NAMES: set[str] = set()  # of durable types

_TYPES: dict[tuple[str, bool], EventType] = {}


def register(*event_types: EventType) -> None:
    """Add event types to the registry. Raises ValueError when a name is declared twice with the same durability."""
    for event_type in event_types:
        key = (event_type.name, event_type.durable)
        if key in _TYPES:
            raise ValueError(f"The event type {event_type.name} is declared twice.")
        _TYPES[key] = event_type
        if event_type.membership is not None:
            MEMBERSHIP_EFFECTS[event_type.name] = event_type.membership
        if event_type.complete is not None:
            COMPLETIONS[event_type.name] = event_type.complete
        if event_type.durable and event_type.stream == StreamKind.INBOX:
            INBOX_NAMES.add(event_type.name)


def declared_types() -> tuple[EventType, ...]:
    """Return all declared types in the order of their declaration."""
    return tuple(_TYPES.values())


def is_of_inbox(name: str, seq: int | None) -> bool:
    """Return whether an event belongs to a user's inbox: it is durable and of an inbox type.

    A type that this release does not know, written by a newer one beside it, is taken for a room's.
    """
    return seq is not None and name in INBOX_NAMES
