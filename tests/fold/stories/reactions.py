"""Messages get reactions and pins, and are forwarded, by REST and on the socket."""

from __future__ import annotations

from tests.fold.case import DELETE, EDIT, NO_REACTION, PIN, REACTION, SEND, UNPIN, case
from tests.fold.world import World, new_message

THUMB = "%F0%9F%91%8D"


@case(REACTION)
async def react_by_rest(world: World) -> None:
    for who in (world.bob, world.dora):
        await world.rest(who, REACTION, message_id=world.messages["alice"]["id"], key=THUMB)


@case(REACTION, NO_REACTION, kind="public")
async def react_and_take_it_back(world: World) -> None:
    message = world.messages["newest"]["id"]
    for key in (THUMB, ":tea:"):
        await world.rest(world.bob, REACTION, message_id=message, key=key)
    await world.rest(world.bob, NO_REACTION, message_id=message, key=THUMB)


@case("react")
async def react_by_socket(world: World) -> None:
    message = world.messages["bob"]["id"]
    for who, key, on in (
        (world.alice, ":tea:", True),
        (world.bob, "\u2764", True),
        (world.alice, ":tea:", False),
        (world.bob, ":tea:", True),
    ):
        await world.act(who, "react", message_id=message, key=key, on=on)


@case("react", changes=False)
async def take_a_reaction_back_that_is_not_there(world: World) -> None:
    await world.act(world.bob, "react", message_id=world.messages["bob"]["id"], key=":tea:", on=False)


@case(REACTION, EDIT, DELETE, PIN)
async def edit_and_delete_a_message_with_a_reaction_and_a_pin(world: World) -> None:
    message = world.messages["bob"]["id"]
    await world.rest(world.alice, REACTION, message_id=message, key=THUMB)
    await world.rest(world.bob, EDIT, {"text": "better"}, message_id=message)
    await world.rest(world.alice, PIN, message_id=message)
    await world.rest(world.bob, REACTION, message_id=message, key=THUMB)
    await world.rest(world.bob, DELETE, message_id=message)


@case(PIN, UNPIN)
async def pin_and_unpin(world: World) -> None:
    for name in ("alice", "bob", "newest"):
        await world.rest(world.alice, PIN, message_id=world.messages[name]["id"])
    await world.rest(world.dora, UNPIN, message_id=world.messages["bob"]["id"])


@case("pin_message", "unpin_message")
async def pin_and_unpin_by_socket(world: World) -> None:
    for name in ("alice", "bob"):
        await world.act(world.dora, "pin_message", message_id=world.messages[name]["id"])
    await world.act(world.alice, "unpin_message", message_id=world.messages["alice"]["id"])


@case(SEND)
async def forward_a_message(world: World) -> None:
    original = world.messages["alice"]
    forward = {"room_id": original["room_id"], "message_id": original["id"]}
    await world.rest(world.bob, SEND, new_message("", forward=forward))
