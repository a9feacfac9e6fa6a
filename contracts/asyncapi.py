"""asyncapi.yaml: the frames of both sides, on /v1/ws and on the one-room socket."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from contracts.components import Components, Schema
from contracts.events import add_events, component_of
from contracts.examples import event_example, example, problem_reply_example
from contracts.frames import PUSH_SUMMARIES, PUSHES, actions, add_frames
from contracts.openapi import add_problem, info
from eventlog.event_types import EventType, declared_types
from realtime.close_codes import CloseCode
from wire.problems import REGISTRY

DESCRIPTION = """\
One socket for everything live. Authenticate with `Authorization: Bearer`, with the subprotocols `chat.v1` and
`bearer.<token>`, or with `authenticate` as the first frame. Every frame gets exactly one reply, matched by
`request_id`; the server pushes `hello`, `events` and `goodbye`. The same types, and REST, are in `/openapi.yaml`.
"""
CHAT, ROOM_SOCKET = "chat", "room_socket"
ROOM_SOCKET_RECEIVES = ("RoomSocketSend", "AuthenticateFrame")
ROOM_SOCKET_SENDS = ("RoomSocketMessage", "RoomSocketError")


def asyncapi() -> Schema:
    """The whole document."""
    components = Components()
    add_problem(components)
    add_events(components)
    add_frames(components)
    schemas = components.build()
    frames_of_actions = [f"{action.component}{kind}" for action in actions() for kind in ("Frame", "Reply")]
    chat = [*frames_of_actions, "FrameError", *PUSHES]
    room_socket = [*ROOM_SOCKET_RECEIVES, *ROOM_SOCKET_SENDS]
    frames = list(dict.fromkeys([*chat, *room_socket]))
    reachable = _reachable([*frames, "ClientFrame", "ServerFrame"], schemas)
    return {
        "asyncapi": "3.0.0",
        "info": info(DESCRIPTION),
        "defaultContentType": "application/json",
        "servers": {"parley": _server()},
        "channels": {
            CHAT: _channel("/v1/ws", "Everything live, for one device.", chat),
            ROOM_SOCKET: _channel("/ws/chat/{slug}/", "One room, for the simplest client.", room_socket)
            | {"parameters": {"slug": {"description": "The public room; it is created if there is none."}}},
        },
        "operations": dict(_operations()),
        "components": {
            "messages": {name: _message(name, schemas) for name in frames},
            "schemas": {name: _portable(schemas[name]) for name in sorted(reachable)},
            "correlationIds": {"request": {"location": "$message.payload#/request_id"}},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "x-event-types": [_event_row(event, schemas) for event in declared_types()],
        "x-problem-codes": {
            code: {"status": kind.status, "title": kind.title, "retryable": kind.retryable}
            for code, kind in sorted(REGISTRY.items())
        },
        "x-close-codes": [
            {"code": code.value, "reasons": [*code.reasons], "reconnect": code.reconnect, "when": code.meaning}
            for code in CloseCode
        ],
    }


def _server() -> Schema:
    return {
        "host": "{host}",
        "protocol": "ws",
        "variables": {"host": {"default": "127.0.0.1:8000", "description": "Where `make serve` listens."}},
        "security": [{"$ref": "#/components/securitySchemes/bearer"}],
    }


def _channel(address: str, summary: str, messages: list[str]) -> Schema:
    names = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    return {"address": address, "summary": summary, "messages": names}


def _operations() -> Iterator[tuple[str, Schema]]:
    """The operations as the server sees them: it receives actions and answers them, and sends the pushes."""
    for action in actions():
        answers = [f"{action.component}Reply", "FrameError"]
        reply = {"channel": {"$ref": f"#/channels/{CHAT}"}, "messages": _of(CHAT, answers)}
        operation = _operation("receive", CHAT, action.operation.summary, [f"{action.component}Frame"])
        tags = [{"name": action.operation.tag}]
        yield action.name, operation | {"tags": tags, "reply": reply, "x-problem-codes": action.codes}
    for name, summary in PUSH_SUMMARIES.items():
        yield name, _operation("send", CHAT, summary, [f"{name.capitalize()}Push"])
    summary = "Send a message to the room; before that, authenticate unless the handshake did."
    yield "room_socket_send", _operation("receive", ROOM_SOCKET, summary, ROOM_SOCKET_RECEIVES)
    summary = "A message of the room, or the problem of a message that was rejected."
    yield "room_socket_receive", _operation("send", ROOM_SOCKET, summary, ROOM_SOCKET_SENDS)


def _operation(direction: str, channel: str, summary: str, messages: Iterable[str]) -> Schema:
    return {
        "action": direction,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": _of(channel, messages),
    }


def _of(channel: str, messages: Iterable[str]) -> list[Schema]:
    return [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages]


def _message(name: str, schemas: dict[str, Schema]) -> Schema:
    schema = schemas[name]
    message: Schema = {
        "name": name,
        "summary": schema["description"],
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "examples": [{"payload": payload} for payload in _payloads(name, schemas)],
    }
    if "request_id" in schema["properties"]:
        message["correlationId"] = {"$ref": "#/components/correlationIds/request"}
    return message


def _payloads(name: str, schemas: dict[str, Schema]) -> list[Any]:
    """Examples of a frame; of a reply, one for success and one for a problem."""
    schema = schemas[name]
    if name == "FrameError":
        return [problem_reply_example(schema, schemas)]
    done = example({"$ref": f"#/components/schemas/{name}"}, schemas)
    if "x-statuses" not in schema:
        return [done]
    return [done | {"response_status": schema["x-statuses"][0]}, problem_reply_example(schema, schemas)]


def _portable(node: Any) -> Any:
    """The schema in AsyncAPI's form: a discriminator is a bare property name, and the consts are its mapping."""
    if isinstance(node, list):
        return [_portable(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: value["propertyName"] if key == "discriminator" else _portable(value) for key, value in node.items()}


def _reachable(names: list[str], schemas: dict[str, Schema]) -> set[str]:
    """These components and all components that they refer to."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += re.findall(r"#/components/schemas/(\w+)", repr(_portable(schemas[name])))
    return found


def _event_row(event: EventType, schemas: dict[str, Schema]) -> Schema:
    return {
        "type": event.name,
        "schema": {"$ref": f"#/components/schemas/{component_of(event)}"},
        "stream": event.stream.value,
        "durable": event.durable,
        "summary": event.summary,
        "example": event_example(event, schemas),
    }
