"""Read markers move."""

from __future__ import annotations

from tests.fold.case import (
    READ,
    SEND,
    UNREAD,
    case,
)
from tests.fold.world import World, new_message


@case(READ)
async def mark_read_by_rest(world: World) -> None:
    await world.rest(world.bob, READ, {"seq": world.messages["dora"]["seq"]})


@case("mark_read")
async def mark_all_read_by_socket(world: World) -> None:
    await world.act(world.bob, "mark_read", seq=world.messages["newest"]["seq"])


@case(UNREAD)
async def mark_unread_by_rest(world: World) -> None:
    await world.rest(world.dora, UNREAD, {"seq": world.messages["bob"]["seq"]})


@case("mark_read", "send_message", "mark_unread")
async def read_answer_and_mark_unread(world: World) -> None:
    await world.act(world.bob, "mark_read", seq=world.messages["dora"]["seq"])
    await world.act(world.bob, "send_message", **new_message("hm"))
    await world.act(world.bob, "mark_unread", seq=world.messages["eve"]["seq"])


@case(UNREAD, SEND)
async def mark_unread_and_answer(world: World) -> None:
    await world.rest(world.bob, UNREAD, {"seq": 2})
    await world.rest(world.bob, SEND, new_message("hm"))
    await world.post_message(world.alice, "yes?")


@case("mark_read", changes=False)
async def mark_read_without_a_change(world: World) -> None:
    await world.act(world.bob, "mark_read", seq=1)
