"""The check of every response and frame against the contracts finds each planted fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import realtime.consumers.frames  # noqa: F401  # defines the codes of frames, when this file runs alone
from tests import recording
from tests.clients import Person, recorded
from tests.contracts.documents import asyncapi
from tests.recording import Face, record
from wire.problems import Problem


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the faults planted here out of the coverage of the contracts."""
    monkeypatch.setattr(recording, "seen", {kind: set() for kind in recording.seen})


@pytest.fixture
def violations() -> Iterator[list[str]]:
    """The violations found so far; they are cleared before they fail this test."""
    yield recording.violations
    recording.violations.clear()


@pytest.fixture
def me(alice: Person) -> dict[str, Any]:
    """A documented response, which the tests then change."""
    response = alice.get("/v1/me")
    return recorded("GET", "/v1/me", response)


def test_a_documented_response_is_accepted(me: dict[str, Any], violations: list[str]) -> None:
    record("received", "rest", me)

    assert violations == []


@pytest.mark.parametrize(
    "change",
    [
        {"status": 418},
        {"content_type": "text/html"},
        {"body": None},
        {"body": {}},
        {"path": "/v1/sync", "method": "POST"},
        {"path": "/v1/no/such/path"},
    ],
)
def test_an_undocumented_response_is_reported(
    me: dict[str, Any], violations: list[str], change: dict[str, Any]
) -> None:
    record("received", "rest", me | change)

    assert len(violations) == 1


@pytest.mark.parametrize("change", [{"extra": 1}, {"created_at": "yesterday"}, {"id": "7"}, {"unread_total": None}])
def test_an_undocumented_field_is_reported(me: dict[str, Any], violations: list[str], change: dict[str, Any]) -> None:
    record("received", "rest", {**me, "body": me["body"] | change})

    assert len(violations) == 1


def test_a_missing_field_is_reported(me: dict[str, Any], violations: list[str]) -> None:
    del me["body"]["username"]

    record("received", "rest", me)

    assert len(violations) == 1


def test_a_problem_code_of_another_operation_is_reported(charlie: Person, violations: list[str]) -> None:
    refused = recorded("GET", "/v1/me", charlie.get(f"/v1/rooms/{charlie.user.id}"))

    record("received", "rest", refused)

    assert len(violations) == 1


def test_an_unlisted_error_code_of_a_field_is_reported(alice: Person, violations: list[str]) -> None:
    refused = recorded("POST", "/v1/rooms", alice.post("/v1/rooms", {"colour": "red"}))
    refused["body"]["errors"][0]["code"] = "ugly"

    record("received", "rest", refused)

    assert len(violations) == 1


PONG: dict[str, Any] = {
    "action": "ping",
    "request_id": "a1",
    "response_status": 200,
    "errors": [],
    "data": {"server_time": "2026-11-22T09:30:00.000Z"},
}
EVENT: dict[str, Any] = {
    "type": "typing",
    "room_id": "0199c7a5-3d2e-7c41-9a52-6f0d8e1b4c70",
    "seq": None,
    "at": "2026-11-22T09:30:00.000Z",
    "actor_id": None,
    "data": {"user_ids": []},
}
READ: dict[str, Any] = EVENT | {
    "type": "read.updated",
    "data": {"room_id": EVENT["room_id"], "user_id": EVENT["room_id"], "read_seq": 1, "head": 2},
}
OWN_READ: dict[str, Any] = READ | {
    "room_id": None,
    "seq": 3,
    "data": READ["data"] | {"unread": 1, "unread_capped": False},
}


def error_reply(action: str | None, code: str, request_id: str | int | None = "a1", **changes: Any) -> dict[str, Any]:
    """A reply with a problem."""
    problem = Problem(code).as_dict(request_id)
    frame = {"action": action, "request_id": request_id, "response_status": problem["status"]}
    return {**frame, "errors": [problem], "data": None, **changes}


GOODBYE = {"code": 4400, "reason": "bad_frames", "reconnect": False, "retry_after_ms": None}


@pytest.mark.parametrize(
    ("face", "frame"),
    [
        ("socket", PONG),
        ("socket", PONG | {"request_id": 7}),
        ("socket", PONG | {"request_id": None}),
        ("socket", error_reply("ping", "unavailable")),
        ("socket", error_reply("ping", "json.invalid", 7)),
        ("socket", error_reply(None, "action.unknown")),
        ("socket", error_reply(None, "auth.required")),
        ("socket", {"action": "events", "data": [EVENT, READ, OWN_READ]}),
        ("socket", {"action": "goodbye", "data": GOODBYE}),
        ("room_socket", {"message": "hi", "sender": "alice", "seq": 7}),
    ],
)
def test_a_documented_frame_is_accepted(face: Face, frame: dict[str, Any], violations: list[str]) -> None:
    record("received", face, frame)

    assert violations == []


@pytest.mark.parametrize(
    ("face", "frame"),
    [
        ("socket", PONG | {"data": None}),
        ("socket", PONG | {"response_status": 201}),
        ("socket", PONG | {"action": "pong"}),
        ("socket", {key: value for key, value in PONG.items() if key != "request_id"}),
        ("socket", {"action": "news", "data": []}),
        ("socket", []),
        ("socket", PONG | {"errors": [{}]}),
        ("socket", PONG | {"request_id": 1.5}),
        ("socket", PONG | {"request_id": True}),
        ("socket", PONG | {"response_status": 400}),
        ("socket", error_reply("ping", "unavailable", data=PONG["data"])),
        ("socket", error_reply("ping", "unavailable", response_status=200)),
        ("socket", error_reply("ping", "unavailable", response_status=500)),
        ("socket", error_reply("ping", "unavailable", errors=[Problem("unavailable").as_dict("a2")])),
        ("socket", error_reply("ping", "room.archived")),
        ("socket", error_reply("explode", "action.unknown")),
        ("socket", error_reply(None, "unavailable")),
        ("socket", error_reply(None, "action.unknown", errors=[])),
        ("socket", {"action": "events", "data": [EVENT | {"room_id": None}]}),
        ("socket", {"action": "events", "data": [OWN_READ | {"room_id": EVENT["room_id"]}]}),
        ("socket", {"action": "events", "data": [OWN_READ | {"data": READ["data"]}]}),
        ("socket", {"action": "events", "data": [READ | {"data": OWN_READ["data"]}]}),
        ("socket", {"action": "events", "data": [{}]}),
        ("socket", {"action": "events", "data": [EVENT | {"seq": 3}]}),
        ("socket", {"action": "events", "data": [EVENT | {"type": "room.exploded"}]}),
        ("socket", {"action": "events", "data": [EVENT | {"data": {}}]}),
        ("socket", {"action": "goodbye", "data": GOODBYE | {"reason": "out of temper"}}),
        ("room_socket", {"message": "hi", "sender": "alice"}),
        ("room_socket", {"error": {"code": "no"}}),
    ],
)
def test_an_undocumented_frame_is_reported(face: Face, frame: Any, violations: list[str]) -> None:
    record("received", face, frame)

    assert violations


@pytest.mark.parametrize(("code", "reason"), [(4999, "bad_frames"), (4400, "out of temper")])
def test_an_undocumented_close_is_reported(code: int, reason: str, violations: list[str]) -> None:
    record("closed", "socket", {"code": code, "reason": reason})

    assert len(violations) == 1


def test_unseen_parts_of_the_contracts_are_listed() -> None:
    record("received", "socket", PONG)

    missed = recording.never_seen()
    assert set(missed["action"]) == {*asyncapi().actions} - {"ping"}
    assert "typing (ephemeral)" in missed["event type"]
    assert "4400" in missed["close code"]
    assert "register" in missed["operation"]
