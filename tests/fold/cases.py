"""Everything that changes anything, as short stories: what is done, and through which endpoints and actions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.fold.world import World, new_message
from tests.sockets import PASSWORD

Story = Callable[[World], Awaitable[None]]

JOIN = "POST rooms/{room_id}/join"
LEAVE = "POST rooms/{room_id}/leave"
PUT_MEMBER = "PUT rooms/{room_id}/members/{user_id}"
REMOVE = "DELETE rooms/{room_id}/members/{user_id}"
SEND = "POST rooms/{room_id}/messages"
EDIT = "PATCH rooms/{room_id}/messages/{message_id}"
DELETE = "DELETE rooms/{room_id}/messages/{message_id}"
ARCHIVE = "DELETE rooms/{room_id}"
UPDATE = "PATCH rooms/{room_id}"
READ = "POST rooms/{room_id}/read"
UNREAD = "POST rooms/{room_id}/unread"
CREATE = "POST rooms"
DIRECT = "PUT rooms/direct/{user_id}"
DELETE_ME = "DELETE me"
DOOR = "/ws/chat/{slug}/"


@dataclass(frozen=True)
class Case:
    """One story. `reloads` are those who come back over a hole and must read the room anew; nobody else may have to."""

    story: Story
    writes: frozenset[str]
    room: dict[str, Any] = field(default_factory=dict)
    reloads: frozenset[str] = frozenset()
    changes: bool = True

    @property
    def name(self) -> str:
        return self.story.__name__


CASES: list[Case] = []


def case(*writes: str, reloads: tuple[str, ...] = (), changes: bool = True, **room: Any) -> Callable[[Story], Story]:
    """Tell of these writes, in a private room unless `room` says otherwise."""

    def note(story: Story) -> Story:
        CASES.append(Case(story, frozenset(writes), room, frozenset(reloads), changes))
        return story

    return note


# Messages


@case(SEND)
async def send_by_rest(world: World) -> None:
    await world.rest(world.bob, SEND, new_message("hi", metadata={"mood": "good", "n": [1, 1.5, None, True]}))


@case("send_message")
async def send_by_socket(world: World) -> None:
    await world.act(world.dora, "send_message", **new_message("hi"))


@case(SEND, changes=False)
async def send_again_what_was_sent(world: World) -> None:
    sent = world.messages["bob"]
    await world.rest(world.bob, SEND, {"client_id": sent["client_id"], "text": sent["text"]})


@case("send_messages")
async def send_many(world: World) -> None:
    items = [new_message(f"m{n}") for n in range(30)]
    await world.act(world.alice, "send_messages", items=items)


@case(SEND, kind="public")
async def reply_in_public(world: World) -> None:
    await world.rest(world.bob, SEND, new_message("so she was", reply_to=world.messages["alice"]["id"]))


@case("send_message")
async def reply_by_socket(world: World) -> None:
    await world.act(world.bob, "send_message", **new_message("so she was", reply_to=world.messages["eve"]["id"]))


@case(EDIT)
async def edit_text(world: World) -> None:
    await world.rest(world.alice, EDIT, {"text": "better"}, message_id=world.messages["newest"]["id"])


@case(EDIT)
async def edit_metadata(world: World) -> None:
    await world.rest(world.bob, EDIT, {"metadata": {"seen": True}}, message_id=world.messages["bob"]["id"])


@case("edit_message")
async def edit_twice_by_socket(world: World) -> None:
    for text in ("better", "best"):
        await world.act(world.bob, "edit_message", message_id=world.messages["bob"]["id"], text=text)


@case(DELETE)
async def delete_what_is_newest_and_unread(world: World) -> None:
    await world.rest(world.alice, DELETE, message_id=world.messages["newest"]["id"])


@case("edit_message", "delete_message")
async def edit_and_delete_by_socket(world: World) -> None:
    message = await world.say(world.bob, "soon gone", reply_to=world.messages["alice"]["id"])
    await world.act(world.bob, "edit_message", message_id=message["id"], text="going")
    await world.act(world.bob, "delete_message", message_id=message["id"])


@case(DELETE)
async def an_admin_deletes(world: World) -> None:
    await world.rest(world.dora, DELETE, message_id=world.messages["alice"]["id"])


@case("delete_message")
async def an_owner_deletes_what_an_ex_member_said(world: World) -> None:
    await world.act(world.alice, "delete_message", message_id=world.messages["eve"]["id"])


@case(DOOR, kind="public", slug="unique")
async def send_through_the_door(world: World) -> None:
    door = await world.bob.connect(path=f"/ws/chat/{world.room['slug']}/")
    await door.say({"message": "hi"})
    await door.find(lambda frame: frame.get("message") == "hi")
    world.made.add(DOOR)


@case(DOOR, kind="public", slug="unique")
async def enter_through_the_door(world: World) -> None:
    for who, said in ((world.charlie, "hello"), (world.eve, "again")):
        door = await who.connect(path=f"/ws/chat/{world.room['slug']}/")
        await door.say({"message": said})
        await door.find(lambda frame, said=said: frame.get("message") == said)  # type: ignore[misc]
    world.made.add(DOOR)


@case(DOOR)
async def make_a_room_at_the_door(world: World) -> None:
    door = await world.charlie.connect(path=f"/ws/chat/door-{uuid4().hex}/")
    await door.say({"message": "anybody here?"})
    await door.find(lambda frame: "message" in frame)
    world.made.add(DOOR)


# Rooms


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
async def create_again_what_was_created(world: World) -> None:
    body = {"kind": "private", "name": "Den", "client_id": uuid4().hex, "history": "shared"}
    for _ in range(2):
        await world.rest(world.alice, CREATE, body)


@case(DIRECT, SEND)
async def begin_a_direct_room(world: World) -> None:
    room = await world.rest(world.alice, DIRECT, user_id=world.charlie.id)
    await world.rest(world.charlie, DIRECT, user_id=world.alice.id)
    await world.rest(world.alice, SEND, new_message("psst"), room_id=room["id"])


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
async def change_to_what_is(world: World) -> None:
    await world.rest(world.alice, UPDATE, {"name": world.room["name"]})


@case(ARCHIVE)
async def archive(world: World) -> None:
    await world.rest(world.alice, ARCHIVE)


@case(ARCHIVE, READ, "mark_unread")
async def read_on_in_an_archived_room(world: World) -> None:
    await world.rest(world.alice, ARCHIVE)
    await world.rest(world.bob, READ, {"seq": world.messages["newest"]["seq"]})
    await world.act(world.dora, "mark_unread", seq=2)


# Members


@case(JOIN, kind="public")
async def join(world: World) -> None:
    await world.rest(world.charlie, JOIN)
    await world.say(world.alice, "welcome")


@case(JOIN, kind="public", history="since_joined")
async def join_where_the_past_is_closed(world: World) -> None:
    await world.rest(world.charlie, JOIN)
    await world.say(world.charlie, "what did I miss?")
    # An edit of what Charlie cannot see: he hears it, and his history stays as it is.
    await world.bob.patch(
        f"/v1/rooms/{world.room['id']}/messages/{world.messages['bob']['id']}", {"text": "nothing to see"}
    )


@case(JOIN, kind="public")
async def an_ex_member_joins_again(world: World) -> None:
    await world.rest(world.eve, JOIN)


@case(JOIN, changes=False, kind="public")
async def join_where_one_is(world: World) -> None:
    await world.rest(world.bob, JOIN)


@case(LEAVE)
async def leave(world: World) -> None:
    await world.rest(world.bob, LEAVE)
    await world.say(world.alice, "bye")


@case(REMOVE)
async def leave_by_removing_oneself(world: World) -> None:
    await world.rest(world.bob, REMOVE, user_id=world.bob.id)


@case(LEAVE, JOIN, kind="public")
async def leave_and_come_back(world: World) -> None:
    await world.rest(world.bob, LEAVE)
    await world.say(world.alice, "he will be back")
    await world.rest(world.bob, JOIN)
    await world.say(world.alice, "told you")


@case(PUT_MEMBER)
async def add_a_member(world: World) -> None:
    await world.rest(world.dora, PUT_MEMBER, user_id=world.charlie.id)
    await world.say(world.alice, "welcome")


@case(PUT_MEMBER)
async def add_an_admin(world: World) -> None:
    await world.rest(world.alice, PUT_MEMBER, {"role": "admin"}, user_id=world.charlie.id)


@case(PUT_MEMBER, changes=False)
async def add_who_is_in(world: World) -> None:
    await world.rest(world.dora, PUT_MEMBER, user_id=world.bob.id)


@case(PUT_MEMBER)
async def add_an_ex_member_again(world: World) -> None:
    await world.rest(world.alice, PUT_MEMBER, user_id=world.eve.id)
    await world.say(world.bob, "hello again")


@case(REMOVE)
async def remove_a_member(world: World) -> None:
    await world.rest(world.dora, REMOVE, user_id=world.bob.id)
    await world.say(world.alice, "where is he?")


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
    await world.say(world.alice, "behind his back")
    await world.alice.patch(f"/v1/rooms/{world.room['id']}", {"name": "Without Bob"})
    await world.dora.delete(f"/v1/rooms/{world.room['id']}/messages/{world.messages['newest']['id']}")
    await world.rest(world.alice, PUT_MEMBER, {"role": "owner"}, user_id=world.bob.id)
    await world.say(world.dora, "welcome back")


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


# Read markers


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
    await world.say(world.alice, "yes?")


@case("mark_read", changes=False)
async def mark_read_what_is_read(world: World) -> None:
    await world.act(world.bob, "mark_read", seq=1)


# Accounts


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
