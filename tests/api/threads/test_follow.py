"""Threads of a user: PUT and DELETE rooms/{id}/threads/{root}/follow, GET me/threads, and their read markers."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.stories import events_of, inbox_of, make_room, post_message, refusal, reply_in_thread
from tests.clients import Person


@pytest.fixture
def room(alice: Person, bob: Person, charlie: Person) -> Any:
    return make_room(alice, members=[bob, charlie])


@pytest.fixture
def root(alice: Person, room: Any) -> Any:
    return post_message(alice, room, "Tea?")


def url(room: Any, root: Any) -> str:
    return f"/v1/rooms/{room['id']}/threads/{root['id']}/follow"


def threads_of(person: Person, **query: Any) -> list[Any]:
    response = person.get("/v1/me/threads", **query)
    assert response.status_code == 200, response.json()
    results: list[Any] = response.json()["results"]
    return results


def numbers(person: Person, **query: Any) -> list[tuple[str, int, int]]:
    return [(row["root"]["id"], row["read_seq"], row["unread"]) for row in threads_of(person, **query)]


def test_put_follows_from_the_head_on(bob: Person, charlie: Person, room: Any, root: Any) -> None:
    reply_in_thread(bob, room, root)

    response = charlie.put(url(room, root))

    assert response.status_code == 200
    shape = response.json()
    assert shape == {**shape, "room_id": room["id"], "following": True, "read_seq": 4, "unread": 0}
    assert (shape["root"]["id"], shape["last_reply"]["seq"], shape["unread_capped"]) == (root["id"], 3, False)
    event = inbox_of(charlie)[-1]
    assert (event["type"], event["room_id"]) == ("thread.followed", None)
    assert event["data"] == {"room_id": room["id"], "thread_root": root["id"], "seq": 4}
    assert threads_of(charlie) == [shape]


def test_put_is_idempotent(charlie: Person, room: Any, root: Any) -> None:
    first = charlie.put(url(room, root))
    before = inbox_of(charlie)

    again = charlie.put(url(room, root))

    assert (again.status_code, again.json()) == (200, first.json())
    assert inbox_of(charlie) == before


def test_delete_unfollows(bob: Person, alice: Person, room: Any, root: Any) -> None:
    reply_in_thread(bob, room, root)

    response = alice.delete(url(room, root))

    assert response.status_code == 204
    event = inbox_of(alice)[-1]
    assert event["data"] == {"room_id": room["id"], "thread_root": root["id"], "seq": 4}
    assert event["type"] == "thread.unfollowed"
    assert threads_of(alice) == []
    assert alice.get(f"/v1/rooms/{room['id']}").json()["me"]["unread_threads"] == 0


def test_delete_of_nothing_changes_nothing(charlie: Person, room: Any, root: Any) -> None:
    before = inbox_of(charlie)

    assert charlie.delete(url(room, root)).status_code == 204
    assert inbox_of(charlie) == before


def test_the_sender_of_the_root_follows_it_from_the_first_reply(
    alice: Person, bob: Person, charlie: Person, room: Any, root: Any
) -> None:
    assert threads_of(alice) == []

    reply_in_thread(bob, room, root)

    assert numbers(alice) == [(root["id"], 2, 1)]
    assert numbers(bob) == [(root["id"], 3, 0)]
    assert numbers(charlie) == []


def test_an_unfollow_before_the_first_reply_counts(alice: Person, bob: Person, room: Any, root: Any) -> None:
    before = inbox_of(alice)
    assert alice.put(url(room, root)).status_code == 200
    assert inbox_of(alice) == before, "the sender of the root follows it already"

    alice.delete(url(room, root))
    reply_in_thread(bob, room, root)

    assert threads_of(alice) == []


def test_a_reply_after_an_unfollow_follows_again(alice: Person, bob: Person, room: Any, root: Any) -> None:
    reply_in_thread(bob, room, root)
    bob.delete(url(room, root))
    reply_in_thread(alice, room, root)

    mine = reply_in_thread(bob, room, root)

    assert numbers(bob) == [(root["id"], mine["seq"], 0)]


def test_who_is_named_follows_and_has_the_reply_unread(
    alice: Person, bob: Person, charlie: Person, room: Any, root: Any
) -> None:
    reply_in_thread(bob, room, root)

    named = reply_in_thread(bob, room, root, mentions={"users": [str(charlie.user.id)]})

    assert numbers(charlie) == [(root["id"], named["seq"] - 1, 1)]
    assert charlie.get(f"/v1/rooms/{room['id']}").json()["me"]["unread_threads"] == 1


def test_the_newest_activity_is_first(alice: Person, bob: Person, room: Any, root: Any) -> None:
    other = post_message(alice, room, "Coffee?")
    for place in (root, other, root):
        reply_in_thread(bob, room, place)

    first = bob.get("/v1/me/threads", limit=1).json()
    second = bob.get("/v1/me/threads", limit=1, cursor=first["next"]).json()

    assert [row["root"]["id"] for row in (*first["results"], *second["results"])] == [root["id"], other["id"]]


def test_only_unread_threads_on_request(alice: Person, bob: Person, room: Any, root: Any) -> None:
    other = post_message(alice, room, "Coffee?")
    for place in (root, other):
        reply_in_thread(bob, room, place)
    alice.post(f"/v1/rooms/{room['id']}/read", {"seq": 6, "thread_root": root["id"]})

    assert [thread for thread, _, _ in numbers(alice, unread="true")] == [other["id"]]
    assert len(threads_of(alice, unread="false")) == 2


def test_the_list_takes_as_many_queries_for_many(alice: Person, bob: Person, room: Any, root: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            alice.get("/v1/me/threads")
        return len(captured)

    reply_in_thread(bob, room, root)
    one = queries()
    for number in range(5):
        reply_in_thread(bob, room, post_message(alice, room, str(number)))

    assert queries() == one


def test_mark_read_moves_the_marker_of_the_thread(alice: Person, bob: Person, room: Any, root: Any) -> None:
    replies = [reply_in_thread(bob, room, root) for _ in range(3)]
    path = f"/v1/rooms/{room['id']}/read"

    response = alice.post(path, {"seq": replies[1]["seq"], "thread_root": root["id"]})

    marker = {"read_seq": replies[1]["seq"], "unread": 1, "unread_capped": False}
    assert (response.status_code, response.json()) == (200, marker)
    event = inbox_of(alice)[-1]
    assert (event["type"], event["data"]) == (
        "thread.read",
        {"room_id": room["id"], "thread_root": root["id"], **marker},
    )
    before = inbox_of(alice)
    assert alice.post(path, {"seq": replies[0]["seq"], "thread_root": root["id"]}).json() == marker
    assert inbox_of(alice) == before, "a marker never goes back, and that is no event"
    assert alice.get(f"/v1/rooms/{room['id']}").json()["me"]["read_seq"] == root["seq"]


def test_my_own_replies_and_deleted_ones_are_not_unread(alice: Person, bob: Person, room: Any, root: Any) -> None:
    gone = reply_in_thread(bob, room, root)
    bob.delete(f"/v1/rooms/{room['id']}/messages/{gone['id']}")

    assert numbers(alice) == [(root["id"], 2, 0)]
    assert threads_of(alice, unread="true") == []


def test_a_marker_is_not_before_my_last_join(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob, charlie], history="shared")
    root = post_message(charlie, room, "Tea?")
    reply_in_thread(bob, room, root)
    charlie.post(f"/v1/rooms/{room['id']}/leave")
    reply_in_thread(bob, room, root)
    assert threads_of(charlie) == []

    alice.put(f"/v1/rooms/{room['id']}/members/{charlie.user.id}", {})

    joined = events_of(room)[-1]["seq"]
    assert numbers(charlie) == [(root["id"], joined, 0)]
    path = f"/v1/rooms/{room['id']}/messages"
    assert charlie.get(path, thread=root["id"], after="unread").json()["results"] == []


def test_marks_of_a_message_that_nobody_sees_are_not_found(alice: Person, room: Any, root: Any) -> None:
    unknown = {"seq": 2, "thread_root": str(uuid4())}

    assert refusal(alice.post(f"/v1/rooms/{room['id']}/read", unknown)) == (404, "not_found")
    assert refusal(alice.put(url(room, {"id": uuid4()}))) == (404, "not_found")


def test_a_reply_has_no_thread_of_its_own(bob: Person, room: Any, root: Any) -> None:
    reply = reply_in_thread(bob, room, root)
    path = f"/v1/rooms/{room['id']}"

    assert refusal(bob.put(url(room, reply))) == (404, "not_found")
    assert refusal(bob.delete(url(room, reply))) == (404, "not_found")
    assert refusal(bob.post(f"{path}/read", {"seq": 3, "thread_root": reply["id"]})) == (404, "not_found")
    assert refusal(bob.put(f"{path}/draft", {"text": "Or", "thread_root": reply["id"]})) == (404, "not_found")
    assert refusal(bob.get(f"{path}/messages", thread=reply["id"])) == (404, "not_found")
    assert numbers(bob) == [(root["id"], 3, 0)], "the thread of the reply itself is not followed"


def test_mine_stands_beside_the_list(alice: Person, bob: Person, room: Any, root: Any) -> None:
    reply = reply_in_thread(bob, room, root)
    for message, key in ((root, ":tea:"), (reply, ":cup:")):
        alice.put(f"/v1/rooms/{room['id']}/messages/{message['id']}/reactions/{key}")

    assert alice.get("/v1/me/threads").json()["mine"] == {root["id"]: [":tea:"], reply["id"]: [":cup:"]}
    assert bob.get("/v1/me/threads").json()["mine"] == {}


def test_mark_read_ahead_of_the_room_is_refused(alice: Person, room: Any, root: Any) -> None:
    body = {"seq": 99, "thread_root": root["id"]}

    assert refusal(alice.post(f"/v1/rooms/{room['id']}/read", body)) == (400, "read.ahead")
