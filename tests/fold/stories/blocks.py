"""Users change their settings, and block and unblock each other."""

from __future__ import annotations

from tests.fold.case import BLOCK, EDIT, UNBLOCK, UPDATE_MYSELF, case
from tests.fold.world import World


@case(UPDATE_MYSELF)
async def change_a_setting(world: World) -> None:
    await world.rest(world.bob, UPDATE_MYSELF, {"settings": {"share_read": False}, "display_name": "Robert"})


@case("update_me")
async def change_settings_by_socket(world: World) -> None:
    await world.act(world.bob, "update_me", room_id=None, settings={"added_by": "nobody"})


@case(UPDATE_MYSELF, changes=False)
async def change_no_setting(world: World) -> None:
    await world.rest(world.bob, UPDATE_MYSELF, {"settings": {"share_presence": True}})


@case(BLOCK)
async def block_a_member(world: World) -> None:
    for _ in range(2):
        await world.rest(world.bob, BLOCK, user_id=world.alice.id)
    await world.post_message(world.alice, "not for Bob")
    await world.post_message(world.dora, "for Bob")


@case("block_user", EDIT)
async def block_before_an_edit(world: World) -> None:
    await world.act(world.bob, "block_user", room_id=None, user_id=world.alice.id)
    await world.rest(world.alice, EDIT, {"text": "not for Bob"}, message_id=world.messages["alice"]["id"])


@case(BLOCK, UNBLOCK, reloads=("bob",))
async def unblock_a_member(world: World) -> None:
    await world.rest(world.bob, BLOCK, user_id=world.alice.id)
    await world.rest(world.bob, UNBLOCK, user_id=world.alice.id)


@case("block_user", "unblock_user", reloads=("bob",))
async def read_what_was_sent_during_a_block(world: World) -> None:
    await world.act(world.bob, "block_user", room_id=None, user_id=world.alice.id)
    await world.post_message(world.alice, "for Bob, later")
    for _ in range(2):
        await world.act(world.bob, "unblock_user", room_id=None, user_id=world.alice.id)
