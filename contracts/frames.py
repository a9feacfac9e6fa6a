"""Frames as components: for each action its frame and its reply; the pushes; and those of the one-room door."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.components import ALWAYS_NULL, Components, Schema, nullable, ref, union
from realtime.close_codes import CloseCode
from realtime.consumers.chat import ChatConsumer
from realtime.consumers.frames import REQUEST_ID_CHARS
from realtime.serializers import HelloSerializer, RoomSocketMessageSerializer, RoomSocketSendBody
from wire.operations import Operation

ANY_ACTION = ("request.invalid", "json.invalid", "frame.invalid", "internal", "unavailable")
WITH_SESSION = ("auth.required", "auth.invalid_token", "auth.account_disabled")
UNREADABLE = ("json.invalid", "frame.invalid", "action.unknown", "internal")
REQUEST_ID = "A string of at most 64 characters. An integer is taken too, and comes back as an integer."


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
        """Every problem that may refuse it."""
        session = () if self.operation.public else WITH_SESSION
        return list(dict.fromkeys([*self.operation.problems, *session, *ANY_ACTION]))


def actions() -> list[Action]:
    """Every declared action of the socket, by name."""
    methods = ChatConsumer.available_actions
    return [Action(name, getattr(ChatConsumer, methods[name]).kwargs["operation"]) for name in sorted(methods)]


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
    body = components.body(action.operation.frame)
    request_id = {
        "type": ["string", "null"],
        "maxLength": REQUEST_ID_CHARS,
        "description": f"It comes back in the reply. {REQUEST_ID}",
    }
    return {
        "type": "object",
        "description": f"{action.operation.summary}.",
        "properties": {"action": {"const": action.name}, "request_id": request_id, **body.get("properties", {})},
        "required": ["action", *body.get("required", [])],
        "additionalProperties": False,
    }


def _reply(components: Components, action: Action) -> Schema:
    """One answer for both ends: a type for each of them would need two discriminators, which generators do not have."""
    data = nullable(components.ref(action.operation.reply)) if action.operation.reply else NOTHING
    done = "`data` when it was done" if action.operation.reply else "no `errors` when it was done"
    schema = _envelope(
        {"const": action.name},
        _status(action.operation.statuses),
        {"type": "array", "items": ref("Problem"), "maxItems": 1},
        data,
        f"The answer to `{action.name}`: {done}, one problem in `errors` when it was refused.",
    )
    return schema | {"x-problem-codes": action.codes, "x-statuses": [*action.operation.statuses]}


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
    reasons = sorted({reason for code in CloseCode for reason in code.reasons})
    properties: Schema = {
        "code": {"type": "integer", "description": "The close code that follows; each is in the table of AsyncAPI."},
        "reason": {"enum": reasons},
        "reconnect": {"type": "boolean", "description": "Whether to come back unchanged, and resume."},
        "retry_after_ms": {"type": ["integer", "null"]},
    }
    description = "The last push before the server closes; the close frame repeats code and reason."
    return {"type": "object", "description": description, "properties": properties, "required": list(properties)}


def _add_door(components: Components) -> None:
    components.add("DoorFrame", {**components.body(RoomSocketSendBody), "additionalProperties": False})
    components.add(
        "DoorSaid", {**components.body(RoomSocketMessageSerializer), "required": ["message", "sender", "seq"]}
    )
    components.add(
        "DoorRefusal",
        {
            "type": "object",
            "description": "What was said, or the way in, was refused.",
            "properties": {"error": ref("Problem")},
            "required": ["error"],
        },
    )
