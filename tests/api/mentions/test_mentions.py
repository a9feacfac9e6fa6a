"""Mentions: `mentions` of a send and of an edit, `me.unread_mentions` and GET me/mentions."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.models import Mention
from tests.api.stories import events_of, make_room, post_message, refusal, reply_in_thread
from tests.clients import Person, codes, join_parley


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob])


def send(person: Person, room: Any, mentions: Any, **more: Any) -> Any:
    body = {"client_id": uuid4().hex, "text": "hi", "mentions": mentions, **more}
    return person.post(f"/v1/rooms/{room['id']}/messages", body)


def name(*people: Person, everybody: bool = False) -> dict[str, Any]:
    return {"users": [str(person.user.id) for person in people], "room": everybody}


def unread_mentions(person: Person, room: Any) -> int:
    number: int = person.get(f"/v1/rooms/{room['id']}").json()["me"]["unread_mentions"]
    return number


def mentioned(person: Person, **query: Any) -> list[str]:
    return [message["id"] for message in person.get("/v1/me/mentions", **query).json()["results"]]


def test_it_works(alice: Person, bob: Person, room: Any) -> None:
    sent = send(alice, room, name(bob))

    assert sent.status_code == 201
    assert sent.json()["mentions"] == name(bob)
    assert events_of(room)[-1]["data"] == sent.json()
    assert (unread_mentions(bob, room), unread_mentions(alice, room)) == (1, 0)
    assert bob.get("/v1/me/mentions").json()["results"] == [sent.json()]
    assert alice.get("/v1/me/mentions").json()["results"] == []


def test_a_text_is_not_searched_for_names(alice: Person, bob: Person, room: Any) -> None:
    assert post_message(alice, room, f"@{bob.user.username} @room")["mentions"] == name()
    assert unread_mentions(bob, room) == 0


def test_users_who_are_not_members_are_left_out(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    sent = send(alice, room, name(charlie, bob, bob)).json()

    assert sent["mentions"] == name(bob)
    assert mentioned(charlie) == []


def test_unknown_users_are_refused(alice: Person, bob: Person, room: Any) -> None:
    before = events_of(room)

    response = send(alice, room, {"users": [str(bob.user.id), str(uuid4())]})

    assert (response.status_code, codes(response)) == (400, {"mentions.users.1": "not_found"})
    assert events_of(room) == before


@pytest.mark.parametrize(
    ("mentions", "field"),
    [
        ({"users": [str(uuid4())] * 51}, "mentions.users"),
        ({"users": ["alice"]}, "mentions.users.0"),
        ({"users": "alice"}, "mentions.users"),
        ({"room": 1}, "mentions.room"),
        ({"here": True}, "mentions.here"),
        ([], "mentions"),
    ],
)
def test_wrong_mentions_are_refused(alice: Person, room: Any, mentions: Any, field: str) -> None:
    response = send(alice, room, mentions)

    assert (response.status_code, list(codes(response))) == (400, [field])


@pytest.mark.parametrize("mentions", [None, {}, {"users": []}, {"users": [], "room": False}])
def test_no_mentions_are_the_same_message(alice: Person, room: Any, mentions: Any) -> None:
    body = {"client_id": "c1", "text": "hi"}
    first = alice.post(f"/v1/rooms/{room['id']}/messages", {**body, "mentions": mentions})

    again = alice.post(f"/v1/rooms/{room['id']}/messages", body)

    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())


def test_other_mentions_are_another_message(alice: Person, bob: Person, room: Any) -> None:
    body = {"client_id": "c1", "text": "hi"}
    alice.post(f"/v1/rooms/{room['id']}/messages", body)

    again = alice.post(f"/v1/rooms/{room['id']}/messages", {**body, "mentions": name(bob)})

    assert refusal(again) == (409, "message.client_id_reused")


def test_everybody_in_a_small_room_may_mention_the_room(alice: Person, bob: Person, room: Any) -> None:
    assert "mention_room" in bob.get(f"/v1/rooms/{room['id']}").json()["me"]["can"]

    sent = send(bob, room, name(alice, everybody=True))

    assert sent.json()["mentions"] == name(alice, everybody=True)
    assert (unread_mentions(alice, room), unread_mentions(bob, room)) == (1, 0)
    assert mentioned(alice) == [sent.json()["id"]]


def test_only_admins_mention_a_large_room(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob, *(join_parley(f"guest{number}") for number in range(19))])
    before = events_of(room)

    assert "mention_room" not in bob.get(f"/v1/rooms/{room['id']}").json()["me"]["can"]
    assert refusal(send(bob, room, name(everybody=True))) == (403, "room.role_required")
    assert events_of(room) == before
    assert send(alice, room, name(everybody=True)).status_code == 201


def test_a_read_mention_is_not_unread(alice: Person, bob: Person, room: Any) -> None:
    sent = send(alice, room, name(bob)).json()

    bob.post(f"/v1/rooms/{room['id']}/read", {"seq": sent["seq"]})

    assert (unread_mentions(bob, room), mentioned(bob)) == (0, [sent["id"]])


def test_a_deleted_mention_is_gone(alice: Person, bob: Person, room: Any) -> None:
    sent = send(alice, room, name(bob)).json()

    alice.delete(f"/v1/rooms/{room['id']}/messages/{sent['id']}")

    assert (unread_mentions(bob, room), mentioned(bob)) == (0, [])
    assert alice.get(f"/v1/rooms/{room['id']}/messages/{sent['id']}").json()["mentions"] == name()


def test_an_edit_replaces_the_mentions(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob, charlie])
    sent = send(alice, room, name(bob)).json()
    path = f"/v1/rooms/{room['id']}/messages/{sent['id']}"

    edited = alice.patch(path, {"mentions": name(charlie)})

    assert (edited.status_code, edited.json()["mentions"], edited.json()["text"]) == (200, name(charlie), "hi")
    assert [unread_mentions(person, room) for person in (bob, charlie)] == [0, 1]
    before = events_of(room)
    assert alice.patch(path, {"mentions": name(charlie)}).json() == edited.json()
    assert events_of(room) == before


def test_a_name_added_to_a_read_message_is_not_unread(alice: Person, bob: Person, room: Any) -> None:
    sent = post_message(alice, room, "hi")
    bob.post(f"/v1/rooms/{room['id']}/read", {"seq": sent["seq"]})

    alice.patch(f"/v1/rooms/{room['id']}/messages/{sent['id']}", {"mentions": name(bob)})

    assert (unread_mentions(bob, room), mentioned(bob)) == (0, [sent["id"]])


def test_an_edit_is_judged_like_a_send(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob, *(join_parley(f"guest{number}") for number in range(19))])
    path = f"/v1/rooms/{room['id']}/messages/{post_message(bob, room, 'hi')['id']}"
    before = events_of(room)

    assert refusal(bob.patch(path, {"mentions": name(everybody=True)})) == (403, "room.role_required")
    assert codes(bob.patch(path, {"mentions": {"users": [str(uuid4())]}})) == {"mentions.users.0": "not_found"}
    assert events_of(room) == before


def test_a_mention_in_a_thread_is_listed_and_unread_there(alice: Person, bob: Person, room: Any) -> None:
    root = post_message(alice, room, "Tea?")

    reply = reply_in_thread(alice, room, root, mentions=name(bob))

    assert (unread_mentions(bob, room), mentioned(bob)) == (0, [reply["id"]])
    assert bob.get("/v1/me/unread").json()["threads_total"] == 1


def test_pages_are_newest_first(alice: Person, bob: Person) -> None:
    rooms = [make_room(alice, members=[bob]) for _ in range(2)]
    sent = [send(alice, rooms[number % 2], name(bob, everybody=number == 1)).json()["id"] for number in range(3)]

    first = bob.get("/v1/me/mentions", limit=2).json()

    assert [message["id"] for message in first["results"]] == sent[:0:-1]
    assert mentioned(bob, cursor=first["next"], limit=2) == sent[:1]


def test_mine_stands_beside_the_list(alice: Person, bob: Person, room: Any) -> None:
    named = send(alice, room, name(bob)).json()
    bob.put(f"/v1/rooms/{room['id']}/messages/{named['id']}/reactions/:tea:")

    assert bob.get("/v1/me/mentions").json()["mine"] == {named["id"]: [":tea:"]}


def test_mentions_end_after_ninety_days(alice: Person, bob: Person, room: Any) -> None:
    sent = send(alice, room, name(bob)).json()
    Mention.objects.update(created_at=timezone.now() - timedelta(days=90, minutes=1))

    assert (mentioned(bob), unread_mentions(bob, room)) == ([], 1)
    assert sent["mentions"] == name(bob)


def test_mentions_in_rooms_that_i_left_are_not_listed(alice: Person, bob: Person, room: Any) -> None:
    send(alice, room, name(bob, everybody=True))
    bob.post(f"/v1/rooms/{room['id']}/leave")

    assert mentioned(bob) == []


def test_a_mention_that_i_do_not_see_is_not_listed(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob], history="since_joined")
    send(alice, room, name(everybody=True))

    alice.put(f"/v1/rooms/{room['id']}/members/{charlie.user.id}", {})

    assert (mentioned(charlie), len(mentioned(bob))) == ([], 1)


def test_the_list_takes_as_many_queries_for_many(alice: Person, bob: Person, room: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            bob.get("/v1/me/mentions")
        return len(captured)

    send(alice, room, name(bob))
    one = queries()
    for everybody in (False, True) * 3:
        send(alice, make_room(alice, members=[bob]), name(bob, everybody=everybody))

    assert queries() == one
