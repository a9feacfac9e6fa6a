"""Users who are not members of a room try every operation on it: an outsider and a former member.

The operations are those that the code declares, for REST and the socket; the requests are the documents' examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from contracts.frames import actions
from contracts.openapi import endpoints
from tests.contracts.documents import asyncapi, openapi
from tests.contracts.world import Caller, Kind, Room, World
from tests.sockets import Socket
from wire.operations import Cost, Operation

NOT_FOUND = (404, "not_found")
NOT_MEMBER = (403, "room.not_member")
FORBIDDEN = (403, "forbidden")  # it needs a server key
OPEN_TO_ALL = {"get_room", "join_room"}  # of a public room
KNOWN_IDS = {
    "room_id",
    "user_id",
    "message_id",
    "thread_root",
    "session_id",
    "external_id",
    "key_id",
    "link_id",
    "code",
    "key",
}  # another id in a path needs a decision here
_ENVELOPE = ("action", "request_id")


@dataclass(frozen=True)
class Attempt:
    """An endpoint ("GET /v1/...") or an action, with the body that the documents show."""

    operation: Operation
    target: str
    body: Any

    def __str__(self) -> str:
        return self.target if " " in self.target else f"action {self.target}"

    async def run(self, caller: Caller, room: Room, user_id: str) -> tuple[int, str | None]:
        """The status of the answer, and the code of its problem."""
        ids = room.paths(user_id)
        if " " not in self.target:
            return await self._run_action(caller, ids)
        method, path = self.target.split(" ")
        response = caller.request(method, re.sub(r"\{(\w+)\}", lambda match: ids[match[1]], path), self.body)
        return response.status_code, None if response.is_success else response.json()["code"]

    async def _run_action(self, caller: Caller, ids: dict[str, str]) -> tuple[int, str | None]:
        socket = await Socket.open(f"{caller.server.ws_url}/v1/ws", token=caller.token)
        try:
            body = {key: ids.get(key, value) for key, value in self.body.items() if key not in _ENVELOPE}
            return (await socket.call(self.target, **body)).refusal
        finally:
            await socket.close()


def endpoint_attempts() -> Iterator[Attempt]:
    """Every endpoint whose operation names a room."""
    for method, path, operation in endpoints():
        if "room_id" in operation.ids:
            content = openapi().document["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
            yield Attempt(operation, f"{method} {path}", content["application/json"]["example"] if content else None)


def action_attempts() -> Iterator[Attempt]:
    """Every action whose frame names a room."""
    messages = asyncapi().document["components"]["messages"]
    for action in actions():
        if "room_id" in action.operation.frame().fields:
            [example] = messages[f"{action.component}Frame"]["examples"]
            yield Attempt(action.operation, action.name, example["payload"])


ATTEMPTS = [*endpoint_attempts(), *action_attempts()]
ROOMS: list[Kind] = ["private", "direct", "public"]


def expected(attempt: Attempt, kind: Kind) -> tuple[int, str | None]:
    if attempt.operation.cost is Cost.ADMIN:
        return FORBIDDEN
    if kind != "public":
        return NOT_FOUND
    return (200, None) if attempt.operation.name in OPEN_TO_ALL else NOT_MEMBER


def test_every_endpoint_declares_the_ids_of_its_path() -> None:
    for _, path, operation in endpoints():
        assert set(re.findall(r"\{(\w+)\}", path)) == set(operation.ids) <= KNOWN_IDS, operation.name


def test_every_operation_of_the_documents_is_declared() -> None:
    paths = openapi().document["paths"].items()
    documented = {(method.upper(), path) for path, methods in paths if path.startswith("/v1/") for method in methods}

    assert {(method, path) for method, path, _ in endpoints()} == documented
    assert [action.name for action in actions()] == sorted(asyncapi().actions)
    assert len({attempt.target for attempt in ATTEMPTS}) == len(ATTEMPTS) > 25


@pytest.mark.parametrize("kind", ROOMS)
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=str)
async def test_an_outsider_cannot_use_a_room(world: World, attempt: Attempt, kind: Kind) -> None:
    joins = attempt.operation.name == "join_room"
    charlie = world.newcomer("charlie") if joins else world.charlie
    before = world.heads()

    answer = await attempt.run(charlie, world.rooms[kind], user_id=world.bob.id)

    assert answer == expected(attempt, kind)
    if not joins:
        assert world.heads() == before


@pytest.mark.parametrize("kind", ["private", "public"])
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=str)
async def test_a_former_member_cannot_use_a_room(world: World, attempt: Attempt, kind: Kind) -> None:
    if attempt.operation.name == "join_room" and kind == "public":
        return  # the tests of joining cover a member who comes back
    before = world.heads()

    answer = await attempt.run(world.dave, world.rooms[kind], user_id=world.bob.id)

    assert answer == expected(attempt, kind)
    assert world.heads() == before


@pytest.mark.parametrize("attempt", [one for one in ATTEMPTS if "message_id" in one.operation.ids], ids=str)
async def test_a_message_of_another_room_is_not_found(world: World, attempt: Attempt) -> None:
    """Charlie has a room of his own, and the id of a message that is not in it."""
    own = world.charlie.make("/v1/rooms", {"kind": "private", "name": "Alone"})
    mixed = Room(own["id"], world.rooms["private"].message_id)
    before = world.heads()

    answer = await attempt.run(world.charlie, mixed, user_id=world.charlie.id)

    assert answer == NOT_FOUND
    assert world.heads() == before


@pytest.mark.parametrize("kind", ROOMS)
async def test_sync_returns_no_room_of_others(world: World, kind: Kind) -> None:
    body = {"rooms": {world.rooms[kind].id: 0}}

    answer = world.charlie.make("/v1/sync", body)

    assert world.rooms[kind].id not in {room["id"] for room in answer["rooms"]}


@pytest.mark.parametrize("kind", ["private", "direct"])
def test_lists_contain_no_private_room_of_others(world: World, kind: Kind) -> None:
    for path in ("/v1/rooms", "/v1/rooms/directory"):
        rooms = world.charlie.make(path, method="GET")["results"]
        assert world.rooms[kind].id not in {room["id"] for room in rooms}
