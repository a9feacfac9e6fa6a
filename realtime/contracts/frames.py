"""Frames as components: for each action its frame and its reply; the pushes; and those of the one-room door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from accounts.serializers import SessionSerializer, UserSerializer
from realtime.close_codes import CLOSE_CODES
from realtime.consumers.actions import Spec
from realtime.consumers.chat import ChatConsumer
from realtime.contracts.components import ALWAYS_NULL, Components, Schema, nullable, ref, union
from realtime.limits import MAX_REQUEST_ID_CHARS
from wire.fields import StrictSerializer, TextField, TimeField

ANY_ACTION = ("request.invalid", "json.invalid", "frame.invalid", "internal", "unavailable")
WITH_SESSION = ("auth.required", "auth.invalid_token", "auth.account_disabled")
UNREADABLE = ("json.invalid", "frame.invalid", "action.unknown", "internal")
REQUEST_ID = "A string of at most 64 characters. An integer is taken too, and comes back as an integer."


class HeartbeatSerializer(serializers.Serializer[Any]):
    """The interval of the server's pings; a client only has to answer them with pongs."""

    interval_ms = serializers.IntegerField()


class LimitsSerializer(serializers.Serializer[Any]):
    """The numbers that a client would otherwise hard-code."""

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
    """The interval in which typing is repeated, and the time after which it ends by itself."""

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
    """All frames, and ClientFrame and ServerFrame as the unions of what each side sends."""
    for action in actions():
        components.add(f"{action.component}Frame", _frame(components, action))
        components.add(f"{action.component}Reply", _reply(components, action))
    components.add("ActionName", {"description": "Every action.", "enum": [action.name for action in actions()]})
    components.add("FrameRefusal", _frame_refusal())
    _add_pushes(components)
    _add_door(components)
    frames = {action.name: f"{action.component}Frame" for action in actions()}
    replies = {action.name: f"{action.component}Reply" for action in actions()}
    pushes = {name.removesuffix("Push").lower(): name for name in PUSHES}
    components.add("ClientFrame", union("What a client may send on /v1/ws.", "action", frames))
    server = union("What a client may receive on /v1/ws.", "action", pushes | replies)
    # FrameRefusal has no action to be mapped by. As a bare reference, openapi-typescript would map it by its own name.
    server["oneOf"].append({"oneOf": [ref("FrameRefusal")]})
    components.add("ServerFrame", server)


PUSHES = ("HelloPush", "EventsPush", "GoodbyePush")


def _frame(components: Components, action: Action) -> Schema:
    body = components.body(action.spec.body)
    request_id = {
        "type": ["string", "null"],
        "maxLength": MAX_REQUEST_ID_CHARS,
        "description": f"It comes back in the reply. {REQUEST_ID}",
    }
    return {
        "type": "object",
        "description": action.spec.summary,
        "properties": {"action": {"const": action.name}, "request_id": request_id, **body.get("properties", {})},
        "required": ["action", *body.get("required", [])],
        "additionalProperties": False,
    }


def _reply(components: Components, action: Action) -> Schema:
    """One answer for both ends: a type for each of them would need two discriminators, which generators do not have."""
    data = nullable(components.ref(action.spec.reply)) if action.spec.reply else NOTHING
    done = "`data` when it was done" if action.spec.reply else "no `errors` when it was done"
    schema = _envelope(
        {"const": action.name},
        _status(action.spec.statuses),
        {"type": "array", "items": ref("Problem"), "maxItems": 1},
        data,
        f"The answer to `{action.name}`: {done}, one problem in `errors` when it was refused.",
    )
    return schema | {"x-problem-codes": action.codes, "x-statuses": [*action.spec.statuses]}


def _status(done: tuple[int, ...] = ()) -> Schema:
    """A number, and no enum of numbers: the Kotlin that is generated for these does not compile."""
    words = f"{' or '.join(map(str, done))} when it was done, else the" if done else "The"
    description = f"{words} problem's `status`."
    return {"type": "integer", "minimum": min(done, default=400), "maximum": 599, "description": description}


NOTHING: Schema = {"type": ["object", "null"], "additionalProperties": False, "description": ALWAYS_NULL}


def _frame_refusal() -> Schema:
    schema = _envelope(
        # null alone has no class in generated code; a nullable name with null for its one value has, and narrows.
        {"type": ["string", "null"], **nullable(ref("ActionName")), "enum": [None]},
        _status(),
        {"type": "array", "items": ref("Problem"), "minItems": 1, "maxItems": 1},
        NOTHING,
        "The answer to a frame that could not be read, or whose action does not exist.",
    )
    return schema | {"x-problem-codes": [*UNREADABLE]}


def _envelope(action: Schema, status: Schema, errors: Schema, data: Schema, description: str) -> Schema:
    properties = {
        "action": action,
        "request_id": {"type": ["string", "null"], "description": "The frame's own; null when it had none."},
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
    events = {"type": "array", "minItems": 1, "items": ref("PushedEvent")}
    components.add("Goodbye", _goodbye())
    components.add("HelloPush", _push("hello", components.ref(HelloSerializer)))
    components.add("EventsPush", _push("events", events))
    components.add("GoodbyePush", _push("goodbye", ref("Goodbye")))


def _push(action: str, data: Schema) -> Schema:
    return {
        "type": "object",
        "description": PUSH_SUMMARIES[action],
        "properties": {"action": {"const": action}, "data": data},
        "required": ["action", "data"],
    }


PUSH_SUMMARIES = {
    "hello": "The first push once authenticated: the user, the session, and every number that a client needs.",
    "events": "Events of the streams that are subscribed to, in order.",
    "goodbye": "The last push before the server closes.",
}


def _goodbye() -> Schema:
    reasons = sorted({reason for close in CLOSE_CODES for reason in close.reasons})
    properties: Schema = {
        "code": {"type": "integer", "description": "The close code that follows; each is in the table of AsyncAPI."},
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
