"""Replies in threads: POST rooms/{id}/messages with thread_root."""

import hashlib
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import Member
from api.services.messages import Send, SendResult, send_messages
from tests.api.stories import events_of, inbox_of, make_room, post_message, refusal, reply_in_thread, types_of
from tests.clients import Person, codes, join_parley


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob])


def send(person: Person, room: Any, **more: Any) -> Any:
    return person.post(f"/v1/rooms/{room['id']}/messages", {"client_id": uuid4().hex, "text": "hi", **more})


def test_it_works(alice: Person, bob: Person, room: Any) -> None:
    root = post_message(alice, room, "Tea?")

    reply = reply_in_thread(bob, room, root)

    assert (reply["thread_root"], reply["in_room"], reply["thread"]) == (root["id"], False, None)
    created, changed = events_of(room)[-2:]
    assert created["data"] == reply
    assert (changed["type"], changed["actor_id"], changed["seq"]) == ("thread.changed", str(bob.user.id), 4)
    thread = {
        "reply_count": 1,
        "last_reply_at": reply["created_at"],
        "last_seq": reply["seq"],
        "user_ids": [str(bob.user.id)],
    }
    partial = {"id": root["id"], "room_id": room["id"], "seq": 2, "version": 4, "base_version": 2, "thread": thread}
    assert changed["data"] == partial
    assert alice.get(f"/v1/rooms/{room['id']}/messages/{root['id']}").json() == root | {"thread": thread, "version": 4}


def test_the_summary_has_the_five_newest_repliers(alice: Person) -> None:
    people = [join_parley(f"guest{number}") for number in range(6)]
    room = make_room(alice, members=people)
    root = post_message(alice, room, "Who comes?")

    for person in (*people, people[1]):
        reply_in_thread(person, room, root)

    thread = alice.get(f"/v1/rooms/{room['id']}/messages/{root['id']}").json()["thread"]
    newest = [people[1], people[5], people[4], people[3], people[2]]
    assert (thread["reply_count"], thread["user_ids"]) == (7, [str(person.user.id) for person in newest])


def test_replies_of_one_transaction_change_the_root_once(alice: Person, bob: Person, room: Any) -> None:
    first, second = post_message(alice, room, "one"), post_message(alice, room, "two")
    sends = [reply_of(alice, room, first), reply_of(bob, room, first), reply_of(bob, room, second)]

    sent = send_messages([*sends, reply_of(alice, room, first)])

    assert all(isinstance(result, SendResult) for result in sent)
    assert types_of(room)[-6:] == ["message.created"] * 4 + ["thread.changed"] * 2
    of_first, of_second = (event["data"] for event in events_of(room)[-2:])
    assert (of_first["id"], of_first["thread"]["reply_count"], of_first["thread"]["last_seq"]) == (first["id"], 3, 7)
    assert (of_second["id"], of_second["thread"]["reply_count"], of_second["thread"]["last_seq"]) == (
        second["id"],
        1,
        6,
    )
    assert of_first["thread"]["user_ids"] == [str(alice.user.id), str(bob.user.id)]


def reply_of(person: Person, room: Any, root: Any) -> Send:
    return Send(person.session, UUID(room["id"]), uuid4().hex, "hi", {}, None, thread_root=UUID(root["id"]))


def test_the_number_of_queries_does_not_grow(alice: Person, bob: Person, room: Any) -> None:
    roots = [post_message(alice, room, str(number)) for number in range(6)]
    counts = []

    for chosen in (roots, roots[:1] * 2, roots * 3):
        with CaptureQueriesContext(connection) as captured:
            send_messages([reply_of(bob, room, root) for root in chosen])
        counts.append(len(captured))

    assert counts[1] == counts[2]


def test_a_reply_is_not_in_the_main_line(alice: Person, bob: Person, room: Any) -> None:
    root = post_message(alice, room, "Tea?")
    reply_in_thread(bob, room, root)

    seen = alice.get(f"/v1/rooms/{room['id']}").json()
    assert (seen["last_message"]["id"], seen["last_message_at"]) == (root["id"], root["created_at"])
    assert (seen["me"]["unread"], seen["me"]["unread_threads"]) == (0, 1)
    page = alice.get(f"/v1/rooms/{room['id']}/messages").json()
    assert [message["id"] for message in page["results"]] == [root["id"]]
    assert page["page"] == {"oldest_seq": 2, "newest_seq": 2, "more_before": False, "more_after": False}
    assert "root" not in page


def test_an_in_room_reply_is_in_the_main_line_too(alice: Person, bob: Person, room: Any) -> None:
    root = post_message(alice, room, "Tea?")
    reply = reply_in_thread(bob, room, root, in_room=True)

    seen = alice.get(f"/v1/rooms/{room['id']}").json()
    assert (seen["last_message"]["id"], seen["last_message_at"]) == (reply["id"], reply["created_at"])
    assert (seen["me"]["unread"], seen["me"]["unread_threads"]) == (1, 1)
    pages = [alice.get(f"/v1/rooms/{room['id']}/messages", **query).json() for query in ({}, {"thread": root["id"]})]
    assert [message["id"] for message in pages[0]["results"]] == [root["id"], reply["id"]]
    assert [message["id"] for message in pages[1]["results"]] == [reply["id"]]


def test_only_a_reply_in_the_room_moves_the_room_marker(alice: Person, bob: Person, room: Any) -> None:
    root = post_message(alice, room, "Tea?")

    def marker() -> int:
        return Member.objects.get(room=room["id"], user=bob.user).read_seq

    reply_in_thread(bob, room, root)
    assert marker() == 1

    shown = reply_in_thread(bob, room, root, in_room=True)
    assert marker() == shown["seq"]


def test_a_hidden_room_comes_back_with_the_main_line(alice: Person, bob: Person, room: Any) -> None:
    root = post_message(alice, room, "Tea?")
    bob.patch(f"/v1/rooms/{room['id']}/me", {"hidden": True})

    reply_in_thread(alice, room, root)
    assert bob.get(f"/v1/rooms/{room['id']}").json()["me"]["hidden"]

    reply_in_thread(alice, room, root, in_room=True)
    assert not bob.get(f"/v1/rooms/{room['id']}").json()["me"]["hidden"]


def test_a_send_writes_to_no_inbox(alice: Person, bob: Person, room: Any) -> None:
    root = post_message(alice, room, "Tea?")
    before = [inbox_of(person) for person in (alice, bob)]

    reply_in_thread(bob, room, root, mentions={"users": [str(alice.user.id)]})

    assert [inbox_of(person) for person in (alice, bob)] == before


def test_a_retry_returns_the_reply(bob: Person, alice: Person, room: Any) -> None:
    root = post_message(alice, room, "Tea?")
    body = {"client_id": "c1", "text": "yes", "thread_root": root["id"]}
    first = bob.post(f"/v1/rooms/{room['id']}/messages", body)

    again = bob.post(f"/v1/rooms/{room['id']}/messages", body)
    other = bob.post(f"/v1/rooms/{room['id']}/messages", {**body, "in_room": True})

    assert (again.status_code, again.json()) == (200, first.json())
    assert refusal(other) == (409, "message.client_id_reused")


def test_the_digest_of_a_plain_send_is_that_of_earlier_releases(alice: Person) -> None:
    plain = Send(alice.session, uuid4(), "c", "Tea?", {"b": 1, "a": 2}, None)

    assert plain.digest() == hashlib.sha256(b'["Tea?",{"a":2,"b":1},null]').hexdigest()


@pytest.mark.parametrize("kind", ["unknown", "deleted", "in_thread", "elsewhere"])
def test_a_wrong_root_is_refused(alice: Person, bob: Person, room: Any, kind: str) -> None:
    root = post_message(alice, make_room(alice, members=[bob]) if kind == "elsewhere" else room, "Tea?")
    named = str(uuid4()) if kind == "unknown" else root["id"]
    if kind == "deleted":
        alice.delete(f"/v1/rooms/{room['id']}/messages/{root['id']}")
    if kind == "in_thread":
        named = reply_in_thread(bob, room, root)["id"]
    before = events_of(room)

    response = send(bob, room, thread_root=named)

    code = kind if kind in ("deleted", "in_thread") else "not_found"
    assert (response.status_code, codes(response)) == (400, {"thread_root": code})
    assert events_of(room) == before


def test_in_room_needs_a_thread(alice: Person, room: Any) -> None:
    assert codes(send(alice, room, in_room=True)) == {"in_room": "thread_only"}


def test_a_root_that_i_do_not_see_is_not_found(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob], history="since_joined")
    root = post_message(alice, room, "before Charlie")
    alice.put(f"/v1/rooms/{room['id']}/members/{charlie.user.id}", {})
    path = f"/v1/rooms/{room['id']}"
    reply = reply_in_thread(bob, room, root)

    assert refusal(send(charlie, room, thread_root=root["id"])) == (404, "not_found")
    assert refusal(charlie.get(f"{path}/messages", thread=root["id"])) == (404, "not_found")
    assert refusal(charlie.put(f"{path}/threads/{root['id']}/follow")) == (404, "not_found")
    assert charlie.get(f"{path}/messages/{reply['id']}").json()["id"] == reply["id"]
    assert charlie.get("/v1/me/threads").json()["results"] == []


def test_a_deleted_root_keeps_its_thread(alice: Person, bob: Person, room: Any) -> None:
    root = post_message(alice, room, "Tea?")
    reply_in_thread(bob, room, root)
    changed = events_of(room)[-1]

    alice.delete(f"/v1/rooms/{room['id']}/messages/{root['id']}")

    page = alice.get(f"/v1/rooms/{room['id']}/messages", thread=root["id"]).json()
    assert (page["root"]["text"], page["root"]["thread"]["reply_count"], len(page["results"])) == (None, 1, 1)
    assert changed in events_of(room), "a deletion rewrites whole events only"


def test_an_edit_of_the_root_keeps_its_thread(alice: Person, bob: Person, room: Any) -> None:
    root = post_message(alice, room, "Tea?")
    reply_in_thread(bob, room, root)

    edited = alice.patch(f"/v1/rooms/{room['id']}/messages/{root['id']}", {"text": "Coffee?"}).json()

    assert (edited["thread"]["reply_count"], edited["version"]) == (1, 5)
