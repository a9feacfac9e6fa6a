"""Charlie knocks at every door that the contracts name, and at each that they will ever name.

Every operation on a room and every action with a room_id is tried by somebody who was never in the room and by somebody
who has left it, on a private, a direct and a public one. The requests are the documents' own examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contracts.documents import asyncapi, openapi
from tests.contracts.world import Caller, Kind, Room, World
from tests.sockets import Socket

NOT_FOUND = (404, "not_found")
NOT_MEMBER = (403, "room.not_member")
OPEN_TO_ALL = {"get_room", "join_room"}  # of a public room
KNOWN = {"room_id", "user_id", "message_id", "session_id"}  # a path with another parameter needs a thought here


@dataclass(frozen=True)
class Door:
    """An operation or an action on a room. `where` is "GET /v1/..." or the action."""

    name: str
    where: str
    body: Any

    def __str__(self) -> str:
        return self.name

    async def knock(self, caller: Caller, room: Room, user_id: str) -> tuple[int, str | None]:
        """Try it: the status, and the code of a refusal."""
        filled = room.paths(user_id)
        if " " not in self.where:
            return await self._say(caller, filled)
        method, path = self.where.split(" ")
        response = caller.request(method, re.sub(r"\{(\w+)\}", lambda match: filled[match[1]], path), self.body)
        return response.status_code, None if response.is_success else response.json()["code"]

    async def _say(self, caller: Caller, filled: dict[str, str]) -> tuple[int, str | None]:
        socket = await Socket.open(f"{caller.server.ws_url}/v1/ws", token=caller.token)
        try:
            body = {key: filled.get(key, value) for key, value in self.body.items() if key not in _ENVELOPE}
            return (await socket.call(self.where, **body)).refusal
        finally:
            await socket.close()


def operations() -> Iterator[Door]:
    """Every operation under a room, with the body that the document shows."""
    for path, methods in openapi().document["paths"].items():
        for method, operation in methods.items() if "{room_id}" in path else ():
            content = operation.get("requestBody", {}).get("content", {})
            body = content["application/json"]["example"] if content else None
            yield Door(operation["operationId"], f"{method.upper()} {path}", body)


def actions() -> Iterator[Door]:
    """Every action that names a room, with the frame that the document shows."""
    messages = asyncapi().document["components"]["messages"]
    for action in asyncapi().actions:
        (example,) = messages[f"{asyncapi().stem(action)}Frame"]["examples"]
        if "room_id" in example["payload"]:
            yield Door(action, action, example["payload"])


_ENVELOPE = ("action", "request_id")
DOORS = [*operations(), *actions()]
ROOMS: list[Kind] = ["private", "direct", "public"]


def expected(door: Door, kind: Kind) -> tuple[int, str | None]:
    if kind != "public":
        return NOT_FOUND
    return (200, None) if door.name in OPEN_TO_ALL else NOT_MEMBER


def test_no_door_is_forgotten() -> None:
    parameters = {name for path in openapi().document["paths"] for name in re.findall(r"\{(\w+)\}", path)}

    assert parameters == KNOWN
    assert len({door.where for door in DOORS}) == len(DOORS) > 25


@pytest.mark.parametrize("kind", ROOMS)
@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_who_was_never_in(world: World, door: Door, kind: Kind) -> None:
    charlie = world.newcomer("charlie") if door.name == "join_room" else world.charlie
    before = world.heads()

    answer = await door.knock(charlie, world.rooms[kind], user_id=world.bob.id)

    assert answer == expected(door, kind)
    if door.name != "join_room":
        assert world.heads() == before


@pytest.mark.parametrize("kind", ["private", "public"])
@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_who_has_left(world: World, door: Door, kind: Kind) -> None:
    if door.name == "join_room" and kind == "public":
        return  # who comes back is tested where joining is
    before = world.heads()

    answer = await door.knock(world.dave, world.rooms[kind], user_id=world.bob.id)

    assert answer == expected(door, kind)
    assert world.heads() == before


@pytest.mark.parametrize("door", [door for door in DOORS if "message_id" in f"{door.where} {door.body}"], ids=str)
async def test_a_message_of_another_room(world: World, door: Door) -> None:
    """Charlie has a room of his own, and the id of a message that is not in it."""
    own = world.charlie.make("/v1/rooms", {"kind": "private", "name": "Alone"})
    mixed = Room(own["id"], world.rooms["private"].message_id)
    before = world.heads()

    answer = await door.knock(world.charlie, mixed, user_id=world.charlie.id)

    assert answer == NOT_FOUND
    assert world.heads() == before


@pytest.mark.parametrize("kind", ROOMS)
async def test_naming_a_room_to_sync_opens_nothing(world: World, kind: Kind) -> None:
    body = {"rooms": {world.rooms[kind].id: 0}}

    answer = world.charlie.make("/v1/sync", body)

    assert world.rooms[kind].id not in {room["id"] for room in answer["rooms"]}


@pytest.mark.parametrize("kind", ["private", "direct"])
def test_lists_name_no_room_of_others(world: World, kind: Kind) -> None:
    for path in ("/v1/rooms", "/v1/rooms/directory"):
        rooms = world.charlie.make(path, method="GET")["results"]
        assert world.rooms[kind].id not in {room["id"] for room in rooms}
