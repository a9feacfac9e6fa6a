"""Frames as components: for each action its frame and its reply; the pushes; and those of the one-room socket."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.components import ALWAYS_NULL, Components, Schema, nullable, ref, union
from realtime.close_codes import CloseCode
from realtime.consumers.chat import ChatConsumer
from realtime.limits import MAX_REQUEST_ID_CHARS
from realtime.serializers import HelloSerializer, RoomSocketMessageSerializer, RoomSocketSendBody
from wire.limits import codes_of
from wire.operations import Operation

ANY_ACTION = ("request.invalid", "json.invalid", "frame.invalid", "internal", "unavailable")
WITH_SESSION = ("auth.required", "auth.invalid_token", "auth.account_disabled")
UNREADABLE = ("json.invalid", "frame.invalid", "action.unknown", "auth.required", "internal")
REQUEST_ID = (
    f"A string of at most {MAX_REQUEST_ID_CHARS} characters. An integer is accepted too, and repeated as an integer."
)


@dataclass(frozen=True, slots=True)
class Action:
    """An action as the contracts show it."""

    name: str
    operation: Operation

    @property
    def component(self) -> str:
        """SendMessage, the stem of its components' names."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def codes(self) -> list[str]:
        """Every problem with which it may be answered."""
        session = () if self.operation.public else WITH_SESSION
        limits = codes_of(self.operation)
        return list(dict.fromkeys([*self.operation.problems, *session, *ANY_ACTION, *limits]))


def actions() -> list[Action]:
    """Every declared action of the socket, by name."""
    methods = ChatConsumer.available_actions
    return [Action(name, getattr(ChatConsumer, methods[name]).kwargs["operation"]) for name in sorted(methods)]


def add_frames(components: Components) -> None:
    """All frames, and the unions ClientFrame and ServerFrame of the frames that each side sends."""
    for action in actions():
        components.add(f"{action.component}Frame", _frame(components, action))
        components.add(f"{action.component}Reply", _reply(components, action))
    components.add("ActionName", {"description": "Every action.", "enum": [action.name for action in actions()]})
    components.add("FrameError", _frame_error())
    _add_pushes(components)
    _add_room_socket(components)
    frames = {action.name: f"{action.component}Frame" for action in actions()}
    replies = {action.name: f"{action.component}Reply" for action in actions()}
    pushes = {name.removesuffix("Push").lower(): name for name in PUSHES}
    components.add("ClientFrame", union("A frame that a client may send on /v1/ws.", "action", frames))
    server = union("A frame that a client may receive on /v1/ws.", "action", pushes | replies)
    # FrameError has no action to be mapped by. As a bare reference, openapi-typescript would map it by its own name.
    server["oneOf"].append({"oneOf": [ref("FrameError")]})
    components.add("ServerFrame", server)


PUSHES = ("HelloPush", "EventsPush", "GoodbyePush")


def _frame(components: Components, action: Action) -> Schema:
    body = components.body(action.operation.frame)
    request_id = {
        "type": ["string", "null"],
        "maxLength": MAX_REQUEST_ID_CHARS,
        "description": f"Repeated in the reply. {REQUEST_ID}",
    }
    return {
        "type": "object",
        "description": f"{action.operation.summary}.",
        "properties": {"action": {"const": action.name}, "request_id": request_id, **body.get("properties", {})},
        "required": ["action", *body.get("required", [])],
        "additionalProperties": False,
    }


def _reply(components: Components, action: Action) -> Schema:
    """One component for success and problem: generators do not support the two discriminators of one for each."""
    data = nullable(components.ref(action.operation.reply)) if action.operation.reply else NOTHING
    done = "`data` on success" if action.operation.reply else "no `errors` on success"
    schema = _envelope(
        {"const": action.name},
        _status(action.operation.statuses),
        {"type": "array", "items": ref("Problem"), "maxItems": 1},
        data,
        f"The answer to `{action.name}`: {done}, one problem in `errors` otherwise.",
    )
    return schema | {"x-problem-codes": action.codes, "x-statuses": [*action.operation.statuses]}


def _status(done: tuple[int, ...] = ()) -> Schema:
    """A number, not an enum of numbers: the Kotlin that is generated for such an enum does not compile."""
    words = f"{' or '.join(map(str, done))} on success, otherwise the" if done else "The"
    description = f"{words} `status` of the problem."
    return {"type": "integer", "minimum": min(done, default=400), "maximum": 599, "description": description}


NOTHING: Schema = {"type": ["object", "null"], "additionalProperties": False, "description": ALWAYS_NULL}


def _frame_error() -> Schema:
    schema = _envelope(
        # Generators make no type for null alone; of a nullable enum whose one value is null they make one.
        {"type": ["string", "null"], **nullable(ref("ActionName")), "enum": [None]},
        _status(),
        {"type": "array", "items": ref("Problem"), "minItems": 1, "maxItems": 1},
        NOTHING,
        "The answer to a frame that could not be read, or that names an unknown action.",
    )
    return schema | {"x-problem-codes": [*UNREADABLE]}


def _envelope(action: Schema, status: Schema, errors: Schema, data: Schema, description: str) -> Schema:
    properties = {
        "action": action,
        "request_id": {
            "type": ["string", "null"],
            "description": "The `request_id` of the frame; null when it had none.",
        },
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
    "hello": "The first push after authentication: the user, the session, and every limit that a client needs.",
    "events": "Events of the subscribed streams, in order.",
    "goodbye": "The last push before the server closes.",
}


def _goodbye() -> Schema:
    reasons = sorted({reason for code in CloseCode for reason in code.reasons})
    properties: Schema = {
        "code": {
            "type": "integer",
            "description": "The close code that follows; asyncapi.yaml lists them in `x-close-codes`.",
        },
        "reason": {"enum": reasons},
        "reconnect": {"type": "boolean", "description": "Whether to reconnect with the same token, and resume."},
        "retry_after_ms": {"type": ["integer", "null"]},
    }
    description = "The last push before the server closes; the close frame repeats code and reason."
    return {"type": "object", "description": description, "properties": properties, "required": list(properties)}


def _add_room_socket(components: Components) -> None:
    components.add("RoomSocketSend", {**components.body(RoomSocketSendBody), "additionalProperties": False})
    components.add(
        "RoomSocketMessage", {**components.body(RoomSocketMessageSerializer), "required": ["message", "sender", "seq"]}
    )
    components.add(
        "RoomSocketError",
        {
            "type": "object",
            "description": "The problem of a message, or of the room, that was rejected.",
            "properties": {"error": ref("Problem")},
            "required": ["error"],
        },
    )
