"""What happens to accounts, and what leaves no trace in any room."""

from __future__ import annotations

from tests.fold.case import (
    DELETE_ME,
    SEND,
    TYPING,
    case,
)
from tests.fold.world import World, new_message
from tests.sockets import PASSWORD


@case(DELETE_ME)
async def a_member_deletes_their_account(world: World) -> None:
    await _delete_account(world, "bob")
    await world.say(world.alice, "who was that?")


@case(DELETE_ME)
async def the_owner_deletes_their_account(world: World) -> None:
    await _delete_account(world, "alice")


async def _delete_account(world: World, name: str) -> None:
    await world.rest(world.people[name], DELETE_ME, {"password": PASSWORD})
    world.gone.add(name)


@case("PATCH me", changes=False)
async def change_the_profile(world: World) -> None:
    await world.rest(world.bob, "PATCH me", {"display_name": "Robert"})


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
