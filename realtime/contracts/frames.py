"""Frames as components: for each action its frame, its reply and its refusal; the pushes; and the one-room door's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from accounts.serializers import SessionSerializer, UserSerializer
from realtime.closes import CLOSES
from realtime.consumers.actions import Spec
from realtime.consumers.chat import ChatConsumer
from realtime.consumers.frames import REQUEST_ID_CHARS
from realtime.contracts.components import Components, Schema
from wire.fields import StrictSerializer, TextField, TimeField

ANY_ACTION = ("request.invalid", "frame.invalid", "internal", "unavailable")
WITH_SESSION = ("auth.required", "auth.invalid_token", "auth.account_disabled")
UNREADABLE = ("json.invalid", "frame.invalid", "action.unknown", "internal")


class HeartbeatSerializer(serializers.Serializer[Any]):
    """How often the server pings; its pongs are all that it asks for."""

    interval_ms = serializers.IntegerField()


class LimitsSerializer(serializers.Serializer[Any]):
    """What a client would otherwise hard-code."""

    frame_bytes = serializers.IntegerField(help_text="The largest frame that the server takes.")
    text_chars = serializers.IntegerField(
        help_text="Unicode code points of a message's text; JavaScript's length counts UTF-16 units."
    )
    text_bytes = serializers.IntegerField(help_text="Bytes of a message's text in UTF-8. Both limits hold.")
    metadata_bytes = serializers.IntegerField()
    rooms = serializers.IntegerField(help_text="Rooms that a user may be in.")
    page = serializers.IntegerField(help_text="Messages of a page of history.")
    batch = serializers.IntegerField(help_text="Items of one send_messages.")
    replay = serializers.IntegerField(help_text="Missed events that are replayed; more are `limited`.")


class TypingTimesSerializer(serializers.Serializer[Any]):
    """How often to say that somebody is still typing, and when they are forgotten."""

    resend_ms = serializers.IntegerField()
    expire_ms = serializers.IntegerField()


class HelloSerializer(serializers.Serializer[Any]):
    """The first push, once authenticated."""

    protocol = serializers.CharField()
    connection_id = serializers.CharField()
    user = UserSerializer()
    session = SessionSerializer()
    server_time = TimeField()
    epoch = serializers.IntegerField()
    heartbeat = HeartbeatSerializer()
    limits = LimitsSerializer()
    typing = TypingTimesSerializer()


class SayBody(StrictSerializer):
    """Say something in the room."""

    message = TextField()


class SaidSerializer(serializers.Serializer[Any]):
    """Somebody said something in the room."""

    message = serializers.CharField()
    sender = serializers.CharField(help_text="Their username.")
    seq = serializers.IntegerField()


@dataclass(frozen=True, slots=True)
class Action:
    """An action as the contracts see it."""

    spec: Spec

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def component(self) -> str:
        """SendMessage, the stem of its components' names."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def codes(self) -> list[str]:
        """Every problem that may refuse it."""
        session = () if self.name == "authenticate" else WITH_SESSION
        return list(dict.fromkeys([*self.spec.problems, *session, *ANY_ACTION]))


def actions() -> list[Action]:
    """Every declared action of the socket, by name."""
    methods = (getattr(ChatConsumer, method) for method in ChatConsumer.available_actions.values())
    return sorted((Action(method.kwargs["spec"]) for method in methods), key=lambda action: action.name)


def add_frames(components: Components) -> None:
    """All frames, and ClientFrame and ServerFrame as the unions of what each side may say."""
    for action in actions():
        components.add(f"{action.component}Frame", _frame(components, action))
        components.add(f"{action.component}Reply", _reply(components, action))
        components.add(f"{action.component}Refusal", _refusal({"const": action.name}, action.codes))
    components.add("FrameRefusal", _frame_refusal())
    _add_pushes(components)
    _add_door(components)
    names = [action.component for action in actions()]
    frames = [f"{name}Frame" for name in names]
    replies = [f"{name}{kind}" for name in names for kind in ("Reply", "Refusal")]
    components.add("ClientFrame", union("What a client may say on /v1/ws.", frames))
    told = union("What a client may hear on /v1/ws.", [*PUSHES, *replies, "FrameRefusal"])
    components.add("ServerFrame", told)


PUSHES = ("HelloPush", "EventsPush", "GoodbyePush")


def union(description: str, names: Iterable[str]) -> Schema:
    """One of these components."""
    return {"description": description, "anyOf": [ref(name) for name in names]}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _frame(components: Components, action: Action) -> Schema:
    body = components.body(action.spec.body)
    request_id = {
        "type": ["string", "integer", "null"],
        "maxLength": REQUEST_ID_CHARS,
        "description": "Comes back in the reply.",
    }
    return {
        "type": "object",
        "description": action.spec.summary,
        "properties": {"action": {"const": action.name}, "request_id": request_id, **body.get("properties", {})},
        "required": ["action", *body.get("required", [])],
        "additionalProperties": False,
    }


def _reply(components: Components, action: Action) -> Schema:
    data = components.ref(action.spec.reply) if action.spec.reply else {"type": "null"}
    return _envelope(
        {"const": action.name},
        {"enum": sorted(action.spec.statuses)},
        {"type": "array", "items": ref("Problem"), "maxItems": 0},
        data,
        f"`{action.name}` was done.",
    )


def _refusal(action: Schema, codes: list[str]) -> Schema:
    problem = {"allOf": [ref("Problem"), {"properties": {"code": {"enum": codes}}}]}
    errors = {"type": "array", "items": problem, "minItems": 1, "maxItems": 1}
    status = {"type": "integer", "minimum": 400, "maximum": 599}
    name = f"`{action['const']}`" if "const" in action else "The frame"
    return _envelope(action, status, errors, {"type": "null"}, f"{name} was refused.")


def _frame_refusal() -> Schema:
    return _refusal({"type": ["string", "null"], "description": "As it was sent, if it was a string."}, [*UNREADABLE])


def _envelope(action: Schema, status: Schema, errors: Schema, data: Schema, description: str) -> Schema:
    properties = {
        "action": action,
        "request_id": {"type": ["string", "integer", "null"]},
        "response_status": status,
        "errors": errors,
        "data": data,
    }
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
    }


def _add_pushes(components: Components) -> None:
    events = {"type": "array", "minItems": 1, "items": {"anyOf": [ref("Event"), ref("EphemeralEvent")]}}
    components.add("Goodbye", _goodbye())
    components.add("HelloPush", _push("hello", components.ref(HelloSerializer)))
    components.add("EventsPush", _push("events", events))
    components.add("GoodbyePush", _push("goodbye", ref("Goodbye")))


def _push(action: str, data: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {"action": {"const": action}, "data": data},
        "required": ["action", "data"],
    }


def _goodbye() -> Schema:
    reasons = sorted({reason for close in CLOSES for reason in close.reasons})
    properties: Schema = {
        "code": {"enum": [close.code for close in CLOSES if close.reasons]},
        "reason": {"enum": reasons},
        "reconnect": {"type": "boolean", "description": "Whether to come back unchanged, and resume."},
        "retry_after_ms": {"type": ["integer", "null"]},
    }
    description = "The last push before the server closes; the close frame repeats code and reason."
    return {"type": "object", "description": description, "properties": properties, "required": list(properties)}


def _add_door(components: Components) -> None:
    components.add("DoorFrame", {**components.body(SayBody), "additionalProperties": False})
    components.add("DoorSaid", {**components.body(SaidSerializer), "required": ["message", "sender", "seq"]})
    components.add(
        "DoorRefusal",
        {
            "type": "object",
            "description": "What was said, or the way in, was refused.",
            "properties": {"error": ref("Problem")},
            "required": ["error"],
        },
    )
