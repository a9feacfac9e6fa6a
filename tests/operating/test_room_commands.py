"""hand_over_room and create_room: the events that members receive, the audit, the repetition"""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError

from api.models import Member, Room
from tests.api.stories import events_of, inbox_of, make_room, post_message, types_of
from tests.clients import PASSWORD, Person
from tests.operating.commands import audit, audited, run


def roles(room: Any) -> dict[str, str]:
    return {member.user.username: member.role for member in Member.objects.joined().filter(room=room["id"])}


def test_a_member_becomes_the_owner_and_the_owner_an_admin(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    assert run("hand_over_room", room["id"], "bob", reason="asked for") == "bob owns the room.\n"

    assert roles(room) == {"alice": "admin", "bob": "owner"}
    changes = [event for event in events_of(room) if event["type"] == "member.role_changed"]
    assert [(event["actor_id"], event["data"]["role"]) for event in changes] == [(None, "owner"), (None, "admin")]
    [record] = audit()
    assert (record["action"], record["target"]["id"]) == ("room.handed_over", str(bob.user.id))
    assert (record["room_id"], record["reason"]) == (room["id"], "asked for")


def test_a_repeated_hand_over_changes_nothing(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    run("hand_over_room", room["id"], "bob")
    before = types_of(room)

    assert run("hand_over_room", room["id"], "bob") == "bob was the only owner already.\n"

    assert (types_of(room), audited()) == (before, ["room.handed_over"])


def test_a_room_whose_owner_cannot_log_in_gets_another(alice: Person, bob: Person) -> None:
    """By its slug; the user is added on demand, and sees the room in the inbox."""
    room = make_room(alice, kind="public", slug="tea")
    run("deactivate_user", "alice")

    with pytest.raises(CommandError, match="not a member"):
        run("hand_over_room", "tea", "bob")
    run("hand_over_room", "Tea", "bob", add=True)

    assert roles(room) == {"alice": "admin", "bob": "owner"}
    assert inbox_of(bob)[-1]["type"] == "room.added"
    assert bob.patch(f"/v1/rooms/{room['id']}", {"topic": "mine"}).status_code == 200


def test_an_abandoned_room_gets_an_owner_who_reopens_it(alice: Person, bob: Person) -> None:
    room = make_room(alice)
    post_message(alice, room, "the last one")
    alice.post(f"/v1/rooms/{room['id']}/leave")

    run("hand_over_room", room["id"], "bob", add=True)

    assert bob.post(f"/v1/rooms/{room['id']}/unarchive").status_code == 200
    assert roles(room) == {"bob": "owner"}


def test_hand_overs_that_are_refused(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob])
    direct = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()
    run("deactivate_user", "charlie")
    before = types_of(room)

    for arguments, reason in (
        ((room["id"], "nobody"), "There is no user nobody"),
        ((str(uuid4()), "bob"), "There is no such room"),
        (("no room", "bob"), "There is no room no room"),
        ((direct["id"], "bob"), "direct room"),
        ((room["id"], "charlie", "--add"), "cannot log in"),
    ):
        with pytest.raises(CommandError, match=reason):
            run("hand_over_room", *arguments)

    assert (types_of(room), audited()) == (before, ["user.deactivated"])


def test_create_room_makes_a_room_of_its_owner(alice: Person, bob: Person) -> None:
    room_id = run("create_room", "All hands", owner="alice", slug="All-Hands", member=["bob"], topic="News").strip()

    room = bob.get(f"/v1/rooms/{room_id}").json()
    assert (room["kind"], room["slug"], room["topic"], room["history"]) == ("public", "all-hands", "News", "shared")
    assert roles(room) == {"alice": "owner", "bob": "member"}
    assert types_of(room) == ["room.created"]
    assert [(record["action"], record["room_id"]) for record in audit()] == [("room.created", room_id)]


def test_the_same_command_finds_the_same_room(alice: Person) -> None:
    first = run("create_room", "Ops", owner="alice", kind="private").strip()

    assert run("create_room", "Ops", owner="alice", kind="private") == f"{first} (it existed already)\n"
    second = run("create_room", "Ops", owner="alice", kind="private", client_id="second").strip()

    assert second != first
    assert UUID(second)
    assert (Room.objects.count(), audited()) == (2, ["room.created", "room.created"])


def test_rooms_that_are_refused(alice: Person, bob: Person) -> None:
    make_room(alice, kind="public", slug="taken")
    run("create_room", "Ops", owner="alice", kind="private")
    run("deactivate_user", "bob")
    rooms = Room.objects.count()

    for options, reason in (
        ({"owner": "nobody"}, "There is no user nobody"),
        ({"owner": "bob"}, "cannot log in"),
        ({"owner": "alice", "slug": "taken"}, "has the slug taken"),
        ({"owner": "alice", "slug": "not a slug"}, "slug: "),
        ({"owner": "alice", "kind": "private", "slug": "private"}, "slug: "),
        ({"owner": "alice", "kind": "private", "topic": "another"}, "client_id"),
        ({"owner": "alice", "member": ["nobody"]}, "There is no user nobody"),
    ):
        with pytest.raises(CommandError, match=reason):
            run("create_room", "Ops", **options)

    assert Room.objects.count() == rooms


def test_erase_user_empties_every_message_and_nothing_else(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob], kind="public")
    direct = bob.put(f"/v1/rooms/direct/{alice.user.id}").json()
    kept = post_message(alice, room, "hers")
    erased = [post_message(bob, where, "canary one") for where in (room, direct, room)]
    bob.patch(f"/v1/rooms/{room['id']}/messages/{erased[0]['id']}", {"text": "canary two"})
    archived = make_room(bob, members=[alice])
    erased.append(post_message(bob, archived, "canary three"))
    bob.delete(f"/v1/rooms/{archived['id']}")

    with pytest.raises(CommandError, match="--yes"):
        run("erase_user", "bob")
    assert run("erase_user", "bob", yes=True, reason="by law") == f"{bob.user.id} is erased.\n"

    for message in erased:
        shown = alice.get(f"/v1/rooms/{message['room_id']}/messages/{message['id']}").json()
        assert (shown["text"], shown["metadata"], shown["sender"]["display_name"]) == (None, {}, "Deleted account")
        assert shown["deleted_at"] is not None
        [event] = [each for each in events_of(message_room(message)) if each["data"].get("id") == message["id"]][-1:]
        assert (event["type"], event["seq"], event["data"]) == ("message.deleted", shown["version"], shown)
    assert alice.get(f"/v1/rooms/{room['id']}/messages/{kept['id']}").json() == kept
    assert "canary" not in str([events_of(each) for each in (room, direct, archived)])
    assert "user.erased" in types_of(room)
    assert [(record["action"], record["reason"]) for record in audit()] == [("user.erased", "by law")]


def message_room(message: Any) -> dict[str, str]:
    return {"id": message["room_id"]}


def test_erase_user_erases_the_messages_of_an_account_that_is_deleted_already(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    message = post_message(bob, room, "canary")
    bob.delete("/v1/me", {"password": PASSWORD})
    run("run_jobs")

    run("erase_user", "bob", yes=True)
    run("erase_user", str(bob.user.id), yes=True)

    assert alice.get(f"/v1/rooms/{room['id']}/messages/{message['id']}").json()["text"] is None
    assert types_of(room).count("message.deleted") == 1
    assert audited() == ["user.messages_erased"]


def test_erase_user_works_in_batches(alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.erasure.BATCH", 3)
    room = make_room(alice, members=[bob])
    messages = [post_message(bob, room, f"{n}") for n in range(7)]

    run("erase_user", "bob", yes=True)

    shown = alice.get(f"/v1/rooms/{room['id']}/messages").json()["results"]
    assert [(each["id"], each["text"]) for each in shown] == [(message["id"], None) for message in messages]
    assert types_of(room).count("message.deleted") == 7
