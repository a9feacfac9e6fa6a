"""Room.peer: the other member of a direct room"""

from typing import Any
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from tests.api.stories import events_of, inbox_of, make_room, post_message, refusal, types_of
from tests.clients import PASSWORD, Person, join_parley

BOB = {"username": "bob", "display_name": "Bob", "avatar_url": None, "kind": "person"}


def open_direct(person: Person, other: Person) -> Any:
    """Create the direct room of two users, and return it as the first user sees it."""
    return person.put(f"/v1/rooms/direct/{other.user.id}").json()


def test_it_works(alice: Person, bob: Person) -> None:
    bob.patch("/v1/me", {"avatar_url": "https://example.com/bob.png"})

    room = open_direct(alice, bob)

    author = {**BOB, "id": str(bob.user.id), "avatar_url": "https://example.com/bob.png"}
    path = f"/v1/rooms/{room['id']}"
    assert room["peer"] == author
    assert open_direct(alice, bob)["peer"] == author
    assert alice.get(path).json()["peer"] == author
    assert alice.get("/v1/rooms").json()["results"][0]["peer"] == author
    assert alice.post("/v1/sync", {}).json()["rooms"][0]["room"]["peer"] == author
    assert post_message(bob, room, "hello")["sender"] == author
    assert bob.get(path).json()["peer"]["username"] == "alice"


def test_the_inbox_event_names_the_peer_and_the_events_of_the_room_do_not(alice: Person, bob: Person) -> None:
    room = open_direct(alice, bob)

    peers = [inbox_of(person)[0]["data"]["peer"]["username"] for person in (alice, bob)]
    assert peers == ["bob", "alice"]
    assert inbox_of(alice)[0]["data"]["peer"] == room["peer"]
    assert all("peer" not in event["data"] for event in events_of(room))


@pytest.mark.parametrize("kind", ["private", "public"])
def test_a_room_of_another_kind_has_none(alice: Person, bob: Person, charlie: Person, kind: str) -> None:
    room = make_room(alice, kind=kind, members=[bob])
    alice.put(f"/v1/rooms/{room['id']}/members/{charlie.user.id}")
    alice.delete(f"/v1/rooms/{room['id']}/members/{charlie.user.id}")

    assert room["peer"] is None
    assert [event["data"].get("peer", "absent") for event in inbox_of(charlie)] == [None, "absent"]


@pytest.mark.parametrize("count", [2, 12])
def test_the_queries_do_not_grow_with_the_direct_rooms(
    alice: Person, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        open_direct(alice, join_parley(f"friend{number}"))

    with django_assert_num_queries(6):  # one more than without direct rooms
        page = alice.get("/v1/rooms").json()

    assert len({room["peer"]["username"] for room in page["results"]}) == count


def test_a_peer_who_changes_the_profile_is_shown_as_now(alice: Person, bob: Person) -> None:
    room = open_direct(alice, bob)

    bob.patch("/v1/me", {"display_name": "Robert"})

    assert alice.get(f"/v1/rooms/{room['id']}").json()["peer"]["display_name"] == "Robert"


def delete_account(person: Person) -> None:
    assert person.delete("/v1/me", {"password": PASSWORD}).status_code == 204


def test_nobody_can_write_to_a_peer_with_a_deleted_account(alice: Person, bob: Person) -> None:
    room = open_direct(alice, bob)
    body = {"client_id": uuid4().hex, "text": "before"}
    path = f"/v1/rooms/{room['id']}"
    message = alice.post(f"{path}/messages", body).json()
    delete_account(bob)
    types_before = types_of(room)

    send = alice.post(f"{path}/messages", {"client_id": uuid4().hex, "text": "after"})
    edit = alice.patch(f"{path}/messages/{message['id']}", {"text": "after"})

    assert refusal(send) == refusal(edit) == (409, "room.peer_deleted")
    assert types_of(room) == types_before
    assert alice.post(f"{path}/messages", body).status_code == 200  # a retry returns the existing message


def test_a_room_of_a_deleted_peer_can_be_read_and_hidden(alice: Person, bob: Person) -> None:
    room = open_direct(alice, bob)
    message = post_message(alice, room, "private")
    delete_account(bob)
    path = f"/v1/rooms/{room['id']}"

    seen = alice.get(path).json()

    assert seen["me"]["can"] == []
    assert (seen["peer"]["id"], seen["peer"]["display_name"]) == (str(bob.user.id), "Deleted account")
    assert open_direct(alice, bob) == seen
    assert alice.get("/v1/rooms").json()["results"] == [seen]
    assert alice.post(f"{path}/read", {"seq": 1}).status_code == 200
    assert alice.delete(f"{path}/messages/{message['id']}").status_code == 204


def test_a_deactivated_peer_still_receives_messages(alice: Person, bob: Person) -> None:
    room = open_direct(alice, bob)
    bob.user.is_active = False
    bob.user.save()

    post_message(alice, room, "come back")

    assert alice.get(f"/v1/rooms/{room['id']}").json()["me"]["can"] == ["send", "react", "pin", "mention_room"]


def test_a_larger_room_continues_without_a_deleted_member(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    post_message(bob, room, "bye")
    delete_account(bob)

    post_message(alice, room, "who was that?")
