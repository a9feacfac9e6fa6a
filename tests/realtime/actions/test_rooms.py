"""The actions on invitations, links, bans, mutes, owners and archived rooms: each answers as its endpoint."""

from __future__ import annotations

import pytest

from tests.realtime.actions.outsider_answers import NOT_ACCESSIBLE, answer, problems_for_outsider, reply_content
from tests.sockets import Account

LATER = "2090-01-01T00:00:00.000Z"


async def test_an_invitation_is_made_listed_and_accepted(alice: Account, bob: Account, charlie: Account) -> None:
    room = await alice.make_room(bob)
    owner, guest = await alice.connect(), await charlie.listen(None)
    url = f"/v1/rooms/{room['id']}/invites"

    made = await owner.call("put_invite", room_id=room["id"], user_id=charlie.id)

    assert reply_content(made) == answer(await alice.put(f"{url}/{charlie.id}", {}))
    listed = await owner.call("list_invites", room_id=room["id"], limit=10)
    assert reply_content(listed) == answer(await alice.get(url))
    assert (await guest.next_event("room.invited"))["data"]["room_id"] == room["id"]
    mine = await guest.call("list_my_invites")
    assert reply_content(mine) == answer(await charlie.get("/v1/me/invites"))
    assert (await guest.call("subscribe", room_id=room["id"])).refusal == (403, "room.not_member")
    joined = await guest.call("join_room", room_id=room["id"])
    assert (joined.status, joined.data["me"]["state"]) == (200, "joined")
    assert (await guest.next_event("room.uninvited"))["data"] == {"room_id": room["id"], "reason": "accepted"}


async def test_an_invitation_is_withdrawn_or_declined(alice: Account, charlie: Account) -> None:
    room = await alice.make_room()
    owner, guest = await alice.connect(), await charlie.connect()

    for socket, action, ids in (
        (owner, "delete_invite", {"user_id": charlie.id}),
        (guest, "decline_invite", {}),
    ):
        await owner.call("put_invite", room_id=room["id"], user_id=charlie.id)
        reply = await socket.call(action, room_id=room["id"], **ids)
        assert (reply.status, reply.data) == (204, None)

    assert (await guest.call("list_my_invites")).data["results"] == []


async def test_a_link_is_made_shown_used_and_ended(alice: Account, bob: Account, charlie: Account) -> None:
    room = await alice.make_room(bob)
    owner, guest = await alice.connect(), await charlie.connect()

    link = (await owner.call("create_link", room_id=room["id"], max_uses=3)).data

    url = f"/v1/rooms/{room['id']}/links"
    named = {"room_id": room["id"], "link_id": link["id"]}
    assert reply_content(await owner.call("list_links", room_id=room["id"])) == answer(await alice.get(url))
    assert reply_content(await owner.call("get_room_link", **named)) == answer(await alice.get(f"{url}/{link['id']}"))
    shown = await guest.call("get_link", code=link["code"])
    assert reply_content(shown) == answer(await charlie.get(f"/v1/links/{link['code']}"))
    assert (await guest.call("join_by_link", code=link["code"])).data["id"] == room["id"]
    assert (await owner.call("delete_link", **named)).status == 204
    assert (await guest.call("get_link", code=link["code"])).refusal == (404, "not_found")
    assert (await guest.call("get_link", code="x" * 65)).refusal == (400, "request.invalid")


async def test_a_banned_member_receives_nothing_more(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    owner, listener = await alice.connect(), await bob.listen(None, room)

    banned = await owner.call("put_ban", room_id=room["id"], user_id=bob.id, until=LATER, reason="Shouts")

    url = f"/v1/rooms/{room['id']}/bans"
    assert reply_content(banned) == answer(await alice.put(f"{url}/{bob.id}", {"until": LATER, "reason": "Shouts"}))
    assert reply_content(await owner.call("list_bans", room_id=room["id"])) == answer(await alice.get(url))
    assert (await listener.next_event("member.removed"))["data"]["user"]["id"] == bob.id
    assert (await listener.next_event("room.removed"))["data"]["reason"] == "banned"
    await alice.post_message(room, "where is he?")
    await listener.settled()
    assert not any(event["type"] in ("ban.created", "message.created") for event in listener.events)
    assert (await owner.call("delete_ban", room_id=room["id"], user_id=bob.id)).status == 204


async def test_a_muted_member_cannot_send_a_batch(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    owner, member = await alice.connect(), await bob.connect()

    muted = await owner.call("put_mute", room_id=room["id"], user_id=bob.id)

    url = f"/v1/rooms/{room['id']}/mutes"
    assert reply_content(muted) == answer(await alice.put(f"{url}/{bob.id}", {}))
    assert reply_content(await owner.call("list_mutes", room_id=room["id"])) == answer(await alice.get(url))
    items = [{"client_id": "one", "text": "hello"}]
    assert (await member.call("send_messages", room_id=room["id"], items=items)).refusal == (403, "room.muted")
    assert (await owner.call("delete_mute", room_id=room["id"], user_id=bob.id)).status == 204
    assert (await member.call("send_messages", room_id=room["id"], items=items)).status == 200


async def test_a_room_is_handed_over(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    owner = await alice.connect()

    reply = await owner.call("put_owner", room_id=room["id"], user_id=bob.id)

    assert (reply.status, reply.data["role"]) == (200, "owner")
    assert reply_content(reply) == answer(await alice.put(f"/v1/rooms/{room['id']}/owner", {"user_id": bob.id}))


async def test_an_archived_room_is_opened_again(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    await alice.delete(f"/v1/rooms/{room['id']}")
    owner, member = await alice.connect(), await bob.connect()
    assert (await member.call("unarchive_room", room_id=room["id"])).refusal == (403, "room.role_required")

    reply = await owner.call("unarchive_room", room_id=room["id"])

    assert (reply.status, reply.data["archived_at"]) == (200, None)
    assert reply_content(reply) == answer(await alice.post(f"/v1/rooms/{room['id']}/unarchive", {}))


@pytest.mark.parametrize(
    "action", ["list_invites", "list_bans", "list_mutes", "list_links", "create_link", "unarchive_room"]
)
async def test_an_outsider_cannot(alice: Account, charlie: Account, action: str) -> None:
    assert await problems_for_outsider(charlie, alice, action) == NOT_ACCESSIBLE
