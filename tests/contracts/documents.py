"""The two contracts as the tests use them: read once, and compiled into validators that are stricter than a client."""

from __future__ import annotations

import re
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
PROBLEM = "application/problem+json"


class Undocumented(Exception):
    """A response, frame or close is not documented in the contracts."""


class Contract:
    """One document. A client must ignore fields that it does not know; the tests reject them."""

    def __init__(self, name: str) -> None:
        self.document: dict[str, Any] = yaml.load((ROOT / name).read_text(), Loader=_loader())
        self._components = _closed(self.document["components"])
        self._validators: dict[str, Any] = {}

    def judge(self, schema: dict[str, Any], value: object) -> None:
        """Raises Undocumented when the value does not match the schema."""
        key = repr(schema)
        if key not in self._validators:
            whole = {**_closed(schema), "components": self._components}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        error = next(iter(self._validators[key].iter_errors(value)), None)
        if error is not None:
            place = "/".join(map(str, error.instance_path))
            raise Undocumented(f"at {place or 'the top'}: {error.message[:500]}")

    def judge_as(self, component: str, value: object) -> None:
        """The same, for a component by its name."""
        self.judge({"$ref": f"#/components/schemas/{component}"}, value)


class OpenApi(Contract):
    """openapi.yaml."""

    def __init__(self) -> None:
        super().__init__("openapi.yaml")

    @cached_property
    def routes(self) -> list[tuple[re.Pattern[str], str]]:
        """Paths with their patterns; the literal ones first, since rooms/directory is no room."""
        paths = sorted(self.document["paths"], key=lambda path: path.count("{"))
        uuid = "[0-9A-Fa-f-]{36}"
        patterns = (re.sub(r"\{\w+\}", uuid, re.sub(r"\{(external_id|code|key)\}", "[^/]+", path)) for path in paths)
        return [(re.compile(pattern), path) for pattern, path in zip(patterns, paths, strict=True)]

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """The operation of a request."""
        for pattern, template in self.routes:
            if pattern.fullmatch(path):
                found: dict[str, Any] | None = self.document["paths"][template].get(method.lower())
                return found
        return None

    def judge_response(self, method: str, path: str, status: int, content_type: str, body: object) -> None:
        """Raises Undocumented unless the operation may answer this."""
        operation = self.operation("GET" if method == "HEAD" else method, path)
        if operation is None:
            self.judge_as("Problem", body)  # nothing is there: a 404, 405 or 400 in the common form
            return
        if str(status) not in operation["responses"]:
            raise Undocumented(f"{operation['operationId']} does not document {status}: {body}")
        if method != "HEAD":
            response = self._resolve(operation["responses"][str(status)])
            self._judge_content(response, content_type, body)
            if "x-problem-codes" in response:
                _judge_problem(body, status, response["x-problem-codes"])

    def _judge_content(self, response: dict[str, Any], content_type: str, body: object) -> None:
        content = response.get("content")
        if content is None:
            if body is not None:
                raise Undocumented(f"There should be no body: {body}")
            return
        media = content.get(content_type.partition(";")[0])
        if media is None:
            raise Undocumented(f"{content_type} where {list(content)} is documented")
        self.judge(media["schema"], body)

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in node:
            return node
        name: dict[str, Any] = self.document["components"]["responses"][node["$ref"].rsplit("/", 1)[1]]
        return name


class AsyncApi(Contract):
    """asyncapi.yaml."""

    def __init__(self) -> None:
        super().__init__("asyncapi.yaml")

    @cached_property
    def actions(self) -> list[str]:
        """The actions of /v1/ws."""
        return [name for name, operation in self.document["operations"].items() if "reply" in operation]

    @cached_property
    def event_types(self) -> dict[tuple[str, bool], dict[str, Any]]:
        """The rows of the table, by type and durability."""
        return {(row["type"], row["durable"]): row for row in self.document["x-event-types"]}

    @property
    def problem_codes(self) -> set[str]:
        return set(self.document["x-problem-codes"])

    @cached_property
    def closes(self) -> dict[int, dict[str, Any]]:
        return {row["code"]: row for row in self.document["x-close-codes"]}

    def judge_frame(self, frame: dict[str, Any]) -> None:
        """Raises Undocumented unless the server may send this on /v1/ws."""
        if "response_status" not in frame:
            self._judge_push(frame)
        else:
            self._judge_reply(_with_text_ids(frame))

    def judge_room_socket_frame(self, frame: dict[str, Any]) -> None:
        """Raises Undocumented unless the server may send this on the one-room socket."""
        self.judge_as("RoomSocketError" if "error" in frame else "RoomSocketMessage", frame)

    def judge_event(self, event: dict[str, Any]) -> None:
        """Raises Undocumented unless this event matches the schema of its type and its stream."""
        row = self.event_types.get((event["type"], event["seq"] is not None))
        if row is None:
            raise Undocumented(f"The event type {event['type']} with seq {event['seq']}")
        self.judge_as(row["schema"]["$ref"].rsplit("/", 1)[1], event)
        if (event["room_id"] is None) != (row["stream"] == "inbox") and row["stream"] != "both":
            raise Undocumented(f"{event['type']} of the {row['stream']} with room_id {event['room_id']}")
        if event["type"] == "read.updated" and ("unread" in event["data"]) != row["durable"]:
            raise Undocumented(f"read.updated of the {row['stream']} with {sorted(event['data'])}")

    def judge_close(self, code: int, reason: str) -> None:
        """Raises Undocumented unless the server may close like this."""
        row = self.closes.get(code)
        if row is None or (row["reasons"] and reason not in row["reasons"]):
            raise Undocumented(f"A close with {code} {reason}")

    def stem(self, action: str) -> str:
        """SendMessage of send_message: how its components' names begin."""
        reference: str = self.document["operations"][action]["messages"][0]["$ref"]
        return reference.rsplit("/", 1)[1].removesuffix("Frame")

    def _judge_reply(self, frame: dict[str, Any]) -> None:
        """One schema describes both ends of an action, for generators; what belongs to which is judged here."""
        if frame["action"] is not None and frame["action"] not in self.actions:
            raise Undocumented(f"A reply to {frame['action']}")
        name = "FrameError" if frame["action"] is None else f"{self.stem(frame['action'])}Reply"
        schema = self.document["components"]["schemas"][name]
        self.judge_as(name, frame)
        for problem in frame["errors"]:
            _judge_problem(problem, frame["response_status"], schema["x-problem-codes"])
            if problem["request_id"] != frame["request_id"]:
                raise Undocumented(f"A problem of request {problem['request_id']}")
        done = not frame["errors"]
        if done and frame["response_status"] not in schema["x-statuses"]:
            raise Undocumented(f"{frame['response_status']} with {len(frame['errors'])} errors")
        if (frame["data"] is not None) is not (done and "oneOf" in schema["properties"]["data"]):
            raise Undocumented(f"{frame['response_status']} with the data {frame['data']}")

    def _judge_push(self, frame: dict[str, Any]) -> None:
        name = f"{str(frame.get('action')).capitalize()}Push"
        if name not in self.document["components"]["schemas"]:
            raise Undocumented(f"The push {frame.get('action')}")
        if name != "EventsPush":  # its events are checked one by one, each by its type
            self.judge_as(name, frame)
            return
        if set(frame) != {"action", "data"}:
            raise Undocumented(f"An events push with {set(frame)}")
        for event in frame["data"]:
            self.judge_event(event)


def _judge_problem(problem: Any, status: int, codes: list[str]) -> None:
    """Raises Undocumented unless it is one of these, with the status that goes with it."""
    if problem["code"] not in codes:
        raise Undocumented(f"The code {problem['code']} where {codes} are documented")
    if problem["status"] != status:
        raise Undocumented(f"A problem with status {problem['status']} in an answer with {status}")


def _with_text_ids(node: Any) -> Any:
    """The reply with its request_id as text: for generated code the schema has no integers there."""
    if isinstance(node, list):
        return [_with_text_ids(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: str(value) if key == "request_id" and type(value) is int else _with_text_ids(value)
        for key, value in node.items()
    }


def _loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was built


def _closed(node: Any) -> Any:
    """The same schemas, with no room for fields that are not documented."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items() if key not in ("discriminator", "example", "examples")}
    if node.get("type") == "object" and "properties" in node:
        closed.setdefault("additionalProperties", False)
    return closed


@cache
def openapi() -> OpenApi:
    """openapi.yaml, read at the first use."""
    return OpenApi()


@cache
def asyncapi() -> AsyncApi:
    """asyncapi.yaml, read at the first use."""
    return AsyncApi()
