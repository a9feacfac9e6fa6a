"""Stories of accounts, and of writes that change nothing in a room."""

from __future__ import annotations

from functools import partial

from tests.fold.case import (
    DELETE_ME,
    DIRECT,
    SEND,
    TYPING,
    UPDATE_MYSELF,
    case,
)
from tests.fold.state import JSON
from tests.fold.world import World, new_message
from tests.sockets import PASSWORD


@case(DELETE_ME)
async def a_member_deletes_their_account(world: World) -> None:
    await _delete_account(world, "bob")
    await world.post_message(world.alice, "who was that?")


@case(DELETE_ME)
async def the_owner_deletes_their_account(world: World) -> None:
    await _delete_account(world, "alice")


@case(DIRECT, SEND, DELETE_ME)
async def the_partner_of_a_direct_room_deletes_their_account(world: World) -> None:
    direct = await world.rest(world.bob, DIRECT, user_id=world.alice.id)
    await world.rest(world.bob, SEND, new_message("psst"), room_id=direct["id"])
    await _delete_account(world, "bob", direct)


async def _delete_account(world: World, name: str, *others: JSON) -> None:
    """Delete an account, and wait for the erasure in the background."""
    left = world.alice if name != "alice" else world.bob
    rooms = [world.room, *others]
    socket = await left.listen(*rooms)
    await world.rest(world.people[name], DELETE_ME, {"password": PASSWORD})
    for room in rooms:
        await socket.find(partial(_is_erased, room["id"]))
    await socket.close()
    world.gone.add(name)


def _is_erased(room_id: str, frame: JSON) -> bool:
    events = frame["data"] if frame.get("action") == "events" else []
    return any((event["type"], event["room_id"]) == ("user.erased", room_id) for event in events)


@case(UPDATE_MYSELF)
async def change_the_profile(world: World) -> None:
    await world.rest(world.bob, UPDATE_MYSELF, {"display_name": "Robert"})


@case("typing", changes=False)
async def type_something(world: World) -> None:
    await world.act(world.bob, "typing", on=True)


@case(TYPING, changes=False)
async def type_something_by_rest(world: World) -> None:
    await world.rest(world.bob, TYPING, {"on": True})


@case("typing", SEND)
async def type_and_send(world: World) -> None:
    await world.act(world.bob, "typing", on=True)
    await world.rest(world.bob, SEND, new_message("typed"))
