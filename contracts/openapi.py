"""openapi.yaml: the endpoints as drf-spectacular documents them, the frames, and shared problem responses."""

from __future__ import annotations

import tomllib
from http import HTTPStatus
from pathlib import Path

from drf_spectacular.generators import EndpointEnumerator

from contracts.components import Components, Schema, ref, tidy
from contracts.events import add_events
from contracts.examples import example, problem_example
from contracts.frames import actions, add_frames
from wire.operations import Operation
from wire.problems import CONTENT_TYPE, REGISTRY
from wire.rates import ANNOUNCED
from wire.schema import FIELD_ERROR_CODES, ProblemSerializer

DESCRIPTION = """\
A headless JSON chat: REST for users, rooms and history, and one websocket, `/v1/ws`, for everything live. Its frames
are components of this document (`ClientFrame`, `ServerFrame`); `/asyncapi.yaml` describes when each of them is sent.

JSON in snake_case; ids are UUIDv7; times are RFC 3339 in UTC with milliseconds. Unknown fields and parameters are
rejected by name. Every error is a problem (RFC 9457) whose `code` is one of `ProblemCode`. `X-Request-ID` is taken
from the request, or generated, and returned.
"""
TAGS = {
    "auth": "Register, log in and out, change the password.",
    "sessions": "The devices on which the user is logged in.",
    "me": "The user of the token.",
    "blocks": "The users whom the user of the token blocks.",
    "users": "Other users.",
    "rooms": "Rooms, the directory of public rooms, and the user's own view of a room.",
    "invites": "Invitations by name, and links by which anybody may join a room.",
    "bans": "Bans and mutes of users in a room.",
    "members": "Members of a room: add, join, change roles, remove, leave.",
    "messages": "Messages of a room: send, edit, delete, and the history.",
    "reactions": "Reactions to messages: an emoji or a name.",
    "pins": "Messages that a room shows at hand.",
    "threads": "Threads: the replies to a message apart from the room's main line.",
    "mentions": "Messages that name the user.",
    "drafts": "What the user has not sent yet.",
    "reads": "The user's read marker in a room.",
    "receipts": "What has reached devices, and who has read it.",
    "typing": "Typing indicators.",
    "presence": "Who is online, away or offline.",
    "events": "The log of a room, and the user's inbox.",
    "sync": "Everything that a device has missed, in one answer, and everything that follows, as a stream.",
    "admin": "An app's backend, with a server key: its users and their sessions.",
    "ping": "A check of the connection and the token.",
    "probes": "Health of the server, for operators and orchestrators.",
}
LICENSE = "MIT"
ROOT = Path(__file__).resolve().parent.parent
REQUEST_ID_OF_PROBLEM = "`X-Request-ID`, or the `request_id` of the frame. A frame's integer is repeated as an integer."
RATE_HEADERS = {
    name: {"schema": {"type": "string"}, "description": f"{text} (draft-ietf-httpapi-ratelimit-headers-10)."}
    for name, text in (
        ("RateLimit-Policy", "The name of the limit, its quota `q` and its window `w` in seconds, if it has one"),
        (
            "RateLimit",
            "The name of the limit, the remaining quota `r` and the seconds `t` until there is more, if known",
        ),
    )
}
REQUEST_ID = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}


def openapi() -> Schema:
    """The whole document."""
    components = Components()
    add_problem(components)
    add_events(components)
    add_frames(components)
    components.add("Health", _health())
    part = {"type": "string", "enum": ["ok", "degraded", "unavailable", "unused"]}
    parts = {"type": "object", "description": "Each part that was checked.", "properties": dict.fromkeys(PARTS, part)}
    components.add("HealthParts", parts)
    schemas = components.build()
    responses: dict[str, Schema] = {}
    paths = tidy(components.document["paths"])
    twins = {action.operation.name: action.name for action in actions()}
    for path in paths.values():
        for operation in path.values():
            _settle(operation, schemas, responses)
            _describe(operation, twins)
    codes = sorted({code for response in responses.values() for code in response["content"][CONTENT_TYPE]["examples"]})
    return {
        "openapi": "3.1.1",
        "info": info(DESCRIPTION) | {"license": {"name": LICENSE, "identifier": LICENSE}},
        "servers": [{"url": "/", "description": "The server of this document."}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": paths | _probes(),
        "components": {
            "schemas": schemas,
            "responses": dict(sorted(responses.items())),
            "examples": {code: {"summary": code, "value": problem_example(code)} for code in codes},
            "headers": {
                "RequestId": {"description": "The id of the request, also in logs.", "schema": {"type": "string"}}
            },
            "securitySchemes": components.document["components"]["securitySchemes"],
        },
    }


def info(description: str) -> Schema:
    """Title, version and license of the project; pyproject.toml is the one place of the version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "title": "Parley",
        "version": project["version"],
        "description": description,
        "license": {"name": LICENSE},
        "x-rate-limits": ANNOUNCED,
    }


def add_problem(components: Components) -> None:
    """The one form of every error, and the registry of its codes."""
    components.ref(ProblemSerializer)
    problem = components.schema("Problem")["properties"]
    problem["code"] = ref("ProblemCode")
    problem["request_id"] = {"type": ["string", "null"], "description": REQUEST_ID_OF_PROBLEM}
    words = "\n".join(f"* `{code}` ({kind.status}): {kind.title}" for code, kind in sorted(REGISTRY.items()))
    components.add("ProblemCode", {"type": "string", "description": words, "enum": sorted(REGISTRY)})
    components.schema("FieldError")["properties"]["code"] = ref("FieldErrorCode")
    words = "\n".join(f"* `{code}`: {sentence}" for code, sentence in FIELD_ERROR_CODES.items())
    components.add("FieldErrorCode", {"type": "string", "description": words, "enum": [*FIELD_ERROR_CODES]})


PATH_PARAMETERS = {
    "room_id": "The room's id.",
    "message_id": "The message's id.",
    "thread_root": "The id of the message that began the thread.",
    "user_id": "The user's id.",
    "session_id": "The session's id.",
    "external_id": "Your own id of the user: 1 to 255 printable ASCII characters, percent-encoded.",
    "key_id": "The server key's id.",
    "link_id": "The link's id.",
    "code": "The code of the link: a secret.",
    "key": "One emoji, percent-encoded, or `:name:` of 1 to 32 of the characters `a-z0-9_+-`.",
}


def endpoints() -> list[tuple[str, str, Operation]]:
    """Method, path and operation of every endpoint under /v1/."""
    found = EndpointEnumerator().get_api_endpoints()
    return [(method, path, getattr(callback.cls, method.lower()).operation) for path, _, method, callback in found]


def _describe(operation: Schema, twins: dict[str, str]) -> None:
    """Add the twin on the socket to the description, and describe the parts of the path."""
    if operation["operationId"] in twins:
        twin = f"On the socket this is the action `{twins[operation['operationId']]}`."
        operation["description"] = f"{operation['description']} {twin}" if "description" in operation else twin
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter.setdefault("description", PATH_PARAMETERS[parameter["name"]])


def _settle(operation: Schema, schemas: dict[str, Schema], responses: dict[str, Schema]) -> None:
    if operation.get("security") == [{}]:
        operation["security"] = []
    if "requestBody" in operation:
        _exemplify(operation["requestBody"], schemas)
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if CONTENT_TYPE in content:
            operation["responses"][status] = _shared(int(status), content[CONTENT_TYPE], responses)
            continue
        response["description"] = response.get("description") or HTTPStatus(int(status)).phrase
        response["headers"] = REQUEST_ID
        _exemplify(response, schemas)


def _exemplify(holder: Schema, schemas: dict[str, Schema]) -> None:
    for media_type, media in holder.get("content", {}).items():
        if media_type == "application/json":
            media["example"] = example(media["schema"], schemas)


def _shared(status: int, media: Schema, responses: dict[str, Schema]) -> Schema:
    """A reference to the response that all operations with exactly these codes share."""
    codes = sorted(one["value"]["code"] for one in media["examples"].values())
    name = "Or".join("".join(word.title() for word in code.replace("_", ".").split(".")) for code in codes)
    responses.setdefault(name, _problem_response(status, codes))
    return {"$ref": f"#/components/responses/{name}"}


def _problem_response(status: int, codes: list[str]) -> Schema:
    """The codes are an extension of the response: generators make a class of each schema that narrows another."""
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    return {
        "description": "\n".join(f"* `{code}`: {REGISTRY[code].title}" for code in codes),
        "headers": REQUEST_ID | _headers(status),
        "content": {CONTENT_TYPE: {"schema": ref("Problem"), "examples": examples}},
        "x-problem-codes": codes,
    }


def _headers(status: int) -> Schema:
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": {"schema": {"type": "string", "const": "Bearer"}}}
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers = {"Retry-After": {"schema": {"type": "string"}, "description": "In seconds."}}
        return headers | (RATE_HEADERS if status == HTTPStatus.TOO_MANY_REQUESTS else {})
    return {}


PARTS = ("database", "migrations", "disk", "descriptors", "redis")  # settings.health.CHECKS


def _probes() -> Schema:
    """The two endpoints for operators, which are not part of the API."""
    ready = {
        200: "The server is ready; `degraded` without Redis, or while writes fail because PostgreSQL's disk is full.",
        503: "It is not ready; `reason` names the part that fails.",
    }
    return {
        "/livez": {"get": _probe("live", "Check that the process answers", {200: "It does."})},
        "/readyz": {"get": _probe("ready", "Check that the server can accept and store messages", ready)},
    }


def _probe(operation_id: str, summary: str, answers: dict[int, str]) -> Schema:
    content = {"application/json": {"schema": ref("Health")}}
    responses = {str(code): {"description": words, "content": content} for code, words in answers.items()}
    return {"operationId": operation_id, "summary": summary, "tags": ["probes"], "security": [], "responses": responses}


def _health() -> Schema:
    reason = {
        "type": "string",
        "enum": list(PARTS),
        "description": "The first part that is unavailable, or else degraded.",
    }
    properties = {
        "status": {"type": "string", "enum": ["ok", "degraded", "unavailable"]},
        "reason": reason,
        "parts": ref("HealthParts"),
    }
    return {
        "type": "object",
        "description": "The health of the server.",
        "properties": properties,
        "required": ["status"],
    }
