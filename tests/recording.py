"""Checks every response and frame of the tests against the two contracts, and records the documented parts seen."""

from __future__ import annotations

from typing import Any, Literal

from tests.contracts.documents import Undocumented, asyncapi, openapi

Direction = Literal["sent", "received", "closed"]
Face = Literal["rest", "socket", "room_socket"]

violations: list[str] = []  # since the last test
# Codes of refusals that no recording client sees: they end a handshake, or are sent before a request is read.
UNSEEN = {
    "limit.anonymous": "tests/limits/test_handshakes.py",
    "limit.handshake": "tests/limits/test_handshakes.py",
    "limit.sockets": "tests/limits/test_handshakes.py",
}
seen: dict[str, set[str]] = {
    "operation": set(),
    "action": set(),
    "event type": set(),
    "problem code": set(),
    "close code": set(),
}


def record(direction: Direction, face: Face, payload: Any) -> None:
    """Record a response, frame or close that a client sent or received, and check it.

    rest, received: {"method", "path" (without the query), "status", "content_type", "body" (parsed; None when empty)}.
    socket and room_socket: the frame, parsed; or as text where a test does not send JSON.
    closed: {"code", "reason"} as the client saw them; only of closes that the server began.
    """
    try:
        if direction == "closed":
            _record_close(payload)
        elif direction == "received":
            {"rest": _record_response, "socket": _record_frame, "room_socket": _record_room_socket_frame}[face](payload)
    except (Undocumented, LookupError, TypeError, AttributeError) as error:  # the last three: of another shape at all
        violations.append(f"{face}: {error!r}\n  in {str(payload)[:1000]}")


def _record_response(response: dict[str, Any]) -> None:
    method, path, body = response["method"], response["path"], response["body"]
    operation = openapi().operation(method, path)
    if operation is not None and response["status"] < 300:
        seen["operation"].add(operation["operationId"])
        _record_events(body)
    elif isinstance(body, dict) and "code" in body:
        seen["problem code"].add(body["code"])
    openapi().judge_response(method, path, response["status"], response["content_type"] or "", body)


def _record_frame(frame: dict[str, Any]) -> None:
    data = frame.get("data")
    results = data.get("results", ()) if isinstance(data, dict) else ()  # of a batch, each with its own problems
    for answer in (frame, *(each for each in results if isinstance(each, dict))):
        seen["problem code"].update(problem["code"] for problem in answer.get("errors", ()))
    if frame.get("response_status", 500) < 300:
        seen["action"].add(frame["action"])
    if frame.get("action") == "events":
        _record_events({"results": frame["data"]})
    if frame.get("action") == "goodbye":
        _record_close(frame["data"])
    asyncapi().judge_frame(frame)


def _record_room_socket_frame(frame: dict[str, Any]) -> None:
    if "error" in frame:
        seen["problem code"].add(frame["error"]["code"])
    asyncapi().judge_room_socket_frame(frame)


def _record_close(close: dict[str, Any]) -> None:
    seen["close code"].add(str(close["code"]))
    if close["code"] not in (1000, 1005, 1006):  # not sent by the server
        asyncapi().judge_close(close["code"], close["reason"])


def _record_events(page: Any) -> None:
    """Record the events in an answer, wherever pages keep them. The table of types knows their streams."""
    pages = [page, page.get("inbox"), *page.get("rooms", ())] if isinstance(page, dict) else []
    for each in pages:
        for row in [*each.get("results", ()), *each.get("events", ())] if isinstance(each, dict) else []:
            if isinstance(row, dict) and "type" in row and "seq" in row:
                seen["event type"].add(_event_name(row["type"], row["seq"] is not None))
                asyncapi().judge_event(row)


def _event_name(kind: str, durable: bool) -> str:
    return kind if durable else f"{kind} (ephemeral)"


def never_seen() -> dict[str, list[str]]:
    """Everything documented that no test has seen so far."""
    documented = {
        "operation": {one["operationId"] for path in openapi().document["paths"].values() for one in path.values()},
        "action": set(asyncapi().actions),
        "event type": {_event_name(*key) for key in asyncapi().event_types},
        "problem code": asyncapi().problem_codes - UNSEEN.keys(),
        "close code": {str(code) for code in asyncapi().closes},
    }
    missing = {kind: sorted(names - seen[kind]) for kind, names in documented.items()}
    return {kind: names for kind, names in missing.items() if names}
