"""Members come, go, come back and change their role."""

from __future__ import annotations

from tests.fold.case import (
    JOIN,
    LEAVE,
    PUT_MEMBER,
    REMOVE,
    case,
)
from tests.fold.world import World


@case(JOIN, kind="public")
async def join(world: World) -> None:
    await world.rest(world.charlie, JOIN)
    await world.post_message(world.alice, "welcome")


@case(JOIN, kind="public", history="since_joined")
async def join_without_earlier_history(world: World) -> None:
    await world.rest(world.charlie, JOIN)
    await world.post_message(world.charlie, "what did I miss?")
    # Charlie receives an edit of a message that he cannot see, and his history does not change.
    await world.bob.patch(
        f"/v1/rooms/{world.room['id']}/messages/{world.messages['bob']['id']}", {"text": "nothing to see"}
    )


@case(JOIN, kind="public")
async def a_former_member_joins_again(world: World) -> None:
    await world.rest(world.eve, JOIN)


@case(JOIN, changes=False, kind="public")
async def join_again_as_a_member(world: World) -> None:
    await world.rest(world.bob, JOIN)


@case(LEAVE)
async def leave(world: World) -> None:
    await world.rest(world.bob, LEAVE)
    await world.post_message(world.alice, "bye")


@case(REMOVE)
async def leave_by_removing_oneself(world: World) -> None:
    await world.rest(world.bob, REMOVE, user_id=world.bob.id)


@case(LEAVE, JOIN, kind="public")
async def leave_and_come_back(world: World) -> None:
    await world.rest(world.bob, LEAVE)
    await world.post_message(world.alice, "he will be back")
    await world.rest(world.bob, JOIN)
    await world.post_message(world.alice, "told you")


@case(PUT_MEMBER)
async def add_a_member(world: World) -> None:
    await world.rest(world.dora, PUT_MEMBER, user_id=world.charlie.id)
    await world.post_message(world.alice, "welcome")


@case(PUT_MEMBER)
async def add_an_admin(world: World) -> None:
    await world.rest(world.alice, PUT_MEMBER, {"role": "admin"}, user_id=world.charlie.id)


@case(PUT_MEMBER, changes=False)
async def add_a_current_member(world: World) -> None:
    await world.rest(world.dora, PUT_MEMBER, user_id=world.bob.id)


@case(PUT_MEMBER)
async def add_a_former_member_again(world: World) -> None:
    await world.rest(world.alice, PUT_MEMBER, user_id=world.eve.id)
    await world.post_message(world.bob, "hello again")


@case(REMOVE)
async def remove_a_member(world: World) -> None:
    await world.rest(world.dora, REMOVE, user_id=world.bob.id)
    await world.post_message(world.alice, "where is he?")


@case(REMOVE, PUT_MEMBER, history="shared")
async def remove_and_add_again_where_history_is_shared(world: World) -> None:
    await _remove_and_add_again(world)


@case(REMOVE, PUT_MEMBER, history="since_joined", reloads=("bob",))
async def remove_and_add_again_where_history_is_since_joined(world: World) -> None:
    await _remove_and_add_again(world)


@case(REMOVE, PUT_MEMBER, history="since_joined")
async def remove_and_add_again_at_once(world: World) -> None:
    await world.rest(world.alice, REMOVE, user_id=world.bob.id)
    await world.rest(world.alice, PUT_MEMBER, {"role": "admin"}, user_id=world.bob.id)


async def _remove_and_add_again(world: World) -> None:
    await world.rest(world.alice, REMOVE, user_id=world.bob.id)
    await world.post_message(world.alice, "behind his back")
    await world.alice.patch(f"/v1/rooms/{world.room['id']}", {"name": "Without Bob"})
    await world.dora.delete(f"/v1/rooms/{world.room['id']}/messages/{world.messages['newest']['id']}")
    await world.rest(world.alice, PUT_MEMBER, {"role": "owner"}, user_id=world.bob.id)
    await world.post_message(world.dora, "welcome back")


@case(PUT_MEMBER)
async def make_an_admin(world: World) -> None:
    await world.rest(world.alice, PUT_MEMBER, {"role": "admin"}, user_id=world.bob.id)


@case(PUT_MEMBER)
async def make_a_plain_member(world: World) -> None:
    await world.rest(world.alice, PUT_MEMBER, {"role": "member"}, user_id=world.dora.id)


@case(PUT_MEMBER, LEAVE)
async def hand_over_and_leave(world: World) -> None:
    await world.rest(world.alice, PUT_MEMBER, {"role": "owner"}, user_id=world.dora.id)
    await world.rest(world.alice, PUT_MEMBER, {"role": "member"}, user_id=world.alice.id)
    await world.rest(world.alice, LEAVE)


@case(REMOVE, LEAVE)
async def a_last_owner_leaves_alone(world: World) -> None:
    for who in (world.bob, world.dora):
        await world.rest(world.alice, REMOVE, user_id=who.id)
    await world.rest(world.alice, LEAVE)


@case(JOIN, LEAVE)
async def the_first_in_the_lobby_owns_it(world: World) -> None:
    [lobby] = (await world.charlie.get("/v1/rooms/directory", q="lobby")).json()["results"]
    await world.rest(world.charlie, JOIN, room_id=lobby["id"])
    await world.rest(world.bob, JOIN, room_id=lobby["id"])
    await world.rest(world.bob, LEAVE, room_id=lobby["id"])
