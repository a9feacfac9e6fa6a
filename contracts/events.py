"""The event types in the contracts: those that the log stores, and the ephemeral ones."""

from __future__ import annotations

from contracts.components import ALWAYS_NULL, Components, Schema, union
from eventlog.event_types import EventType, StreamKind, declared_types


def component_of(event: EventType) -> str:
    """Name the component of a type, such as MessageCreatedEvent; a name that two streams declare has one component."""
    words = event.name.replace("_", ".").split(".")
    return "".join(word.capitalize() for word in words) + "Event"


def add_events(components: Components) -> None:
    """Each type, and three unions by `type`: Event (the log), EphemeralEvent (never stored), PushedEvent (both)."""
    declared = declared_types()
    by_name: dict[str, list[EventType]] = {}
    for event in declared:
        by_name.setdefault(event.name, []).append(event)
    for events in by_name.values():
        components.add(component_of(events[0]), _schema(components, events))
    for name, description, members in (
        (
            "Event",
            "A stored event. Ignore types that you do not know.",
            [event for event in declared if event.durable],
        ),
        (
            "EphemeralEvent",
            "An event that is not stored: it may be lost, and is never replayed.",
            [event for event in declared if not event.durable],
        ),
        (
            "PushedEvent",
            "An event as a socket receives it. Ignore types that you do not know.",
            declared,
        ),
    ):
        components.add(name, union(description, "type", {event.name: component_of(event) for event in members}))


def _schema(components: Components, events: list[EventType]) -> Schema:
    """One component of a type: a field is nullable when it is null in some of the type's streams."""
    streams = {event.stream for event in events}
    durable = {event.durable for event in events}
    room_id: Schema = {"type": "string" if streams == {StreamKind.ROOM} else ["string", "null"], "format": "uuid"}
    seq: Schema = {"type": "integer" if durable == {True} else ["integer", "null"], "minimum": 1}
    if streams != {StreamKind.ROOM}:
        room_id["description"] = ALWAYS_NULL if streams == {StreamKind.INBOX} else "null in the inbox."
    if durable != {True}:
        seq["description"] = ALWAYS_NULL if durable == {False} else "null when the event is not stored."
    return {
        "type": "object",
        "description": " ".join(event.summary for event in events),
        "properties": {
            "type": {"const": events[0].name},
            "room_id": room_id,
            "seq": seq,
            "at": {"type": "string", "format": "date-time"},
            "actor_id": {"type": ["string", "null"], "format": "uuid"},
            "data": components.ref(events[0].data),
        },
        "required": ["type", "room_id", "seq", "at", "actor_id", "data"],
    }
