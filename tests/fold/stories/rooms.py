"""Rooms are made, changed, archived, unarchived and hidden."""

from __future__ import annotations

from uuid import uuid4

from tests.fold.case import (
    ARCHIVE,
    CREATE,
    DIRECT,
    LATER,
    LEAVE,
    PUT_OWNER,
    READ,
    SEND,
    UNARCHIVE,
    UPDATE,
    UPDATE_ME,
    case,
)
from tests.fold.world import World, new_message


@case(CREATE)
async def create_a_private_room(world: World) -> None:
    members = [world.alice.id, world.charlie.id]
    body = {"kind": "private", "name": "Den", "topic": "Quiet", "metadata": {"a": 1}, "members": members}
    await world.rest(world.bob, CREATE, body)


@case(CREATE)
async def create_a_public_room(world: World) -> None:
    body = {"kind": "public", "name": "Plaza", "slug": f"plaza-{uuid4().hex}", "members": [world.eve.id]}
    await world.rest(world.dora, CREATE, body)


@case(CREATE)
async def retry_a_room_creation(world: World) -> None:
    body = {"kind": "private", "name": "Den", "client_id": uuid4().hex, "history": "shared"}
    for _ in range(2):
        await world.rest(world.alice, CREATE, body)


@case(DIRECT, SEND)
async def begin_a_direct_room(world: World) -> None:
    room = await world.rest(world.alice, DIRECT, user_id=world.charlie.id)
    await world.rest(world.charlie, DIRECT, user_id=world.alice.id)
    await world.rest(world.alice, SEND, new_message("psst"), room_id=room["id"])


@case(DIRECT)
async def open_a_direct_room_without_a_message(world: World) -> None:
    await world.rest(world.alice, DIRECT, user_id=world.charlie.id)


@case(UPDATE)
async def rename_the_room(world: World) -> None:
    await world.rest(world.alice, UPDATE, {"name": "Coffee"})


@case(UPDATE)
async def change_the_topic(world: World) -> None:
    await world.rest(world.dora, UPDATE, {"topic": "What we drink"})


@case(UPDATE)
async def change_the_metadata(world: World) -> None:
    await world.rest(world.alice, UPDATE, {"metadata": {"colour": "green", "nested": {"deep": [1, None]}}})


@case(UPDATE, kind="public")
async def change_the_slug(world: World) -> None:
    await world.rest(world.alice, UPDATE, {"slug": f"tea-{uuid4().hex}"})


@case(UPDATE, kind="public", slug="unique")
async def change_all_at_once(world: World) -> None:
    await world.rest(world.alice, UPDATE, {"slug": None, "name": "Mate", "topic": "Hot", "metadata": {}})


@case(UPDATE, changes=False)
async def update_without_a_change(world: World) -> None:
    await world.rest(world.alice, UPDATE, {"name": world.room["name"]})


@case(ARCHIVE)
async def archive(world: World) -> None:
    await world.rest(world.alice, ARCHIVE)


@case(ARCHIVE, READ, "mark_unread")
async def move_markers_in_an_archived_room(world: World) -> None:
    await world.rest(world.alice, ARCHIVE)
    await world.rest(world.bob, READ, {"seq": world.messages["newest"]["seq"]})
    await world.act(world.dora, "mark_unread", seq=2)


@case(ARCHIVE, UNARCHIVE, kind="public", slug="unique")
async def archive_and_unarchive(world: World) -> None:
    await world.rest(world.alice, ARCHIVE)
    await world.rest(world.alice, UNARCHIVE)
    await world.post_message(world.bob, "back again")


@case(ARCHIVE, "unarchive_room", kind="public", slug="unique")
async def archive_and_unarchive_by_the_action(world: World) -> None:
    await world.rest(world.alice, ARCHIVE)
    await world.act(world.alice, "unarchive_room")


@case(ARCHIVE, UNARCHIVE, CREATE, kind="public", slug="unique")
async def unarchive_without_the_slug(world: World) -> None:
    await world.rest(world.alice, ARCHIVE)
    await world.rest(world.charlie, CREATE, {"kind": "public", "name": "Tea", "slug": world.room["slug"]})
    await world.rest(world.alice, UNARCHIVE)


@case(UNARCHIVE, changes=False)
async def unarchive_an_open_room(world: World) -> None:
    await world.rest(world.alice, UNARCHIVE)


@case(ARCHIVE, LEAVE)
async def leave_an_archived_room(world: World) -> None:
    await world.rest(world.alice, ARCHIVE)
    await world.rest(world.bob, LEAVE)
    await world.rest(world.alice, LEAVE)


@case(UPDATE, SEND)
async def only_admins_write_for_a_while(world: World) -> None:
    await world.rest(world.dora, UPDATE, {"posting": "admins", "slow_mode_seconds": 60})
    await world.rest(world.dora, SEND, new_message("announcement"))


@case(UPDATE)
async def only_admins_write_and_then_everybody(world: World) -> None:
    await world.rest(world.alice, UPDATE, {"posting": "admins"})
    await world.rest(world.alice, UPDATE, {"posting": "everyone"})


@case(UPDATE_ME, "update_room_me")
async def change_my_view(world: World) -> None:
    await world.rest(world.bob, UPDATE_ME, {"notify": "mentions", "snoozed_until": LATER, "pinned": True})
    await world.act(world.dora, "update_room_me", notify="none", pinned=True)
    await world.rest(world.dora, UPDATE_ME, {"pinned": False, "hidden": True})


@case(PUT_OWNER)
async def hand_the_room_over(world: World) -> None:
    await world.rest(world.alice, PUT_OWNER, {"user_id": world.bob.id})
    await world.rest(world.alice, PUT_OWNER, {"user_id": world.bob.id})


@case("put_owner")
async def hand_the_room_over_by_the_socket(world: World) -> None:
    await world.act(world.alice, "put_owner", user_id=world.dora.id)


@case(UPDATE_ME)
async def hide_the_room(world: World) -> None:
    await world.rest(world.bob, UPDATE_ME, {"hidden": True})
    await world.rest(world.bob, UPDATE_ME, {"hidden": True})


@case("update_room_me", UPDATE_ME)
async def hide_the_room_and_show_it(world: World) -> None:
    await world.act(world.bob, "update_room_me", hidden=True)
    await world.rest(world.bob, UPDATE_ME, {"hidden": False})


@case(UPDATE_ME)
async def hide_the_room_until_somebody_writes(world: World) -> None:
    await world.rest(world.bob, UPDATE_ME, {"hidden": True})
    await world.post_message(world.alice, "are you there?")
    await world.rest(world.dora, UPDATE_ME, {"hidden": True})


@case(UPDATE_ME, ARCHIVE)
async def hide_an_archived_room(world: World) -> None:
    await world.rest(world.alice, ARCHIVE)
    await world.rest(world.bob, UPDATE_ME, {"hidden": True})


@case(DIRECT, SEND, UPDATE_ME)
async def hide_a_direct_room(world: World) -> None:
    room = await world.rest(world.alice, DIRECT, user_id=world.charlie.id)
    await world.rest(world.alice, SEND, new_message("psst"), room_id=room["id"])
    await world.rest(world.charlie, UPDATE_ME, {"hidden": True}, room_id=room["id"])
