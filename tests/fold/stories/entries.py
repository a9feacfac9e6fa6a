"""Users are invited, join by links, and are banned and muted."""

from __future__ import annotations

from tests.fold.case import (
    BAN,
    DECLINE,
    DELETE_LINK,
    INVITE,
    JOIN,
    JOIN_BY_LINK,
    LATER,
    LEAVE,
    LINK,
    MUTE,
    PUT_MEMBER,
    UNBAN,
    UNMUTE,
    WITHDRAW,
    case,
)
from tests.fold.world import World


@case(INVITE, JOIN)
async def invite_somebody_who_joins(world: World) -> None:
    await world.rest(world.dora, INVITE, user_id=world.charlie.id)
    await world.rest(world.charlie, JOIN)
    await world.post_message(world.charlie, "thank you")


@case("put_invite", "join_room", history="shared")
async def invite_somebody_who_joins_by_the_socket(world: World) -> None:
    await world.act(world.alice, "put_invite", user_id=world.charlie.id)
    await world.act(world.charlie, "join_room")


@case(INVITE, DECLINE, "decline_invite")
async def invite_somebody_who_declines(world: World) -> None:
    await world.rest(world.alice, INVITE, user_id=world.charlie.id)
    await world.rest(world.charlie, DECLINE)
    await world.rest(world.alice, INVITE, user_id=world.charlie.id)
    await world.act(world.charlie, "decline_invite")


@case(INVITE, WITHDRAW, "delete_invite")
async def withdraw_an_invitation(world: World) -> None:
    await world.rest(world.alice, INVITE, user_id=world.charlie.id)
    await world.rest(world.alice, WITHDRAW, user_id=world.charlie.id)
    await world.act(world.alice, "delete_invite", user_id=world.charlie.id)


@case(INVITE, PUT_MEMBER)
async def invite_somebody_and_add_them(world: World) -> None:
    await world.rest(world.alice, INVITE, user_id=world.charlie.id)
    await world.rest(world.alice, PUT_MEMBER, user_id=world.charlie.id)


@case(LINK, JOIN_BY_LINK)
async def join_by_a_link(world: World) -> None:
    link = await world.rest(world.alice, LINK, {"max_uses": 1})
    await world.rest(world.charlie, JOIN_BY_LINK, code=link["code"])
    await world.rest(world.charlie, JOIN_BY_LINK, code=link["code"])


@case("create_link", "join_by_link", "delete_link", DELETE_LINK)
async def join_by_a_link_on_the_socket(world: World) -> None:
    link = await world.act(world.dora, "create_link")
    await world.act(world.charlie, "join_by_link", room_id=None, code=link["code"])
    await world.act(world.dora, "delete_link", link_id=link["id"])
    await world.rest(world.dora, DELETE_LINK, link_id=link["id"])


@case(BAN)
async def ban_a_member(world: World) -> None:
    await world.rest(world.dora, BAN, {"reason": "Shouts"}, user_id=world.bob.id)
    await world.post_message(world.alice, "where is he?")


@case("put_ban", "delete_ban", UNBAN, PUT_MEMBER, history="shared")
async def ban_a_member_and_let_them_back(world: World) -> None:
    await world.act(world.alice, "put_ban", user_id=world.bob.id, until=LATER)
    await world.act(world.alice, "delete_ban", user_id=world.bob.id)
    await world.rest(world.alice, UNBAN, user_id=world.bob.id)
    await world.rest(world.alice, PUT_MEMBER, user_id=world.bob.id)


@case(INVITE, BAN)
async def ban_somebody_who_is_invited(world: World) -> None:
    await world.rest(world.alice, INVITE, user_id=world.charlie.id)
    await world.rest(world.alice, BAN, user_id=world.charlie.id)


@case(MUTE, "put_mute")
async def mute_members(world: World) -> None:
    await world.rest(world.dora, MUTE, user_id=world.bob.id)
    await world.act(world.alice, "put_mute", user_id=world.dora.id, until=LATER)


@case(MUTE, UNMUTE, "delete_mute")
async def mute_a_member_for_a_while(world: World) -> None:
    await world.rest(world.alice, MUTE, {"until": LATER}, user_id=world.bob.id)
    await world.rest(world.alice, UNMUTE, user_id=world.bob.id)
    await world.act(world.alice, "delete_mute", user_id=world.bob.id)


@case(MUTE, LEAVE, JOIN, kind="public")
async def a_muted_member_leaves_and_comes_back(world: World) -> None:
    await world.rest(world.alice, MUTE, user_id=world.bob.id)
    await world.rest(world.bob, LEAVE)
    await world.rest(world.bob, JOIN)
