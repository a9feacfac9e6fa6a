"""GET /v1/rooms/{id}"""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.stories import OUTSIDE, make_room, post_message, refusal
from tests.clients import Person


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    seen = bob.get(f"/v1/rooms/{room['id']}")

    assert seen.status_code == 200
    assert seen.json()["me"] | {"can": ["send", "react", "leave", "mention_room"]} == seen.json()["me"]
    assert seen.json()["me"]["role"] == "member"


def test_the_last_message_and_the_unread_count_depend_on_the_viewer(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    message = post_message(alice, room, "hello")

    seen = bob.get(f"/v1/rooms/{room['id']}").json()

    assert seen["last_message"] == message
    assert (seen["me"]["read_seq"], seen["me"]["unread"]) == (1, 1)
    assert (seen["head"], seen["last_event_at"]) == (2, message["created_at"])
    mine = alice.get(f"/v1/rooms/{room['id']}").json()
    assert (mine["me"]["read_seq"], mine["me"]["unread"]) == (2, 0)


def test_a_deleted_last_message_shows_its_tombstone(alice: Person) -> None:
    room = make_room(alice)
    message = post_message(alice, room, "oops")
    alice.delete(f"/v1/rooms/{room['id']}/messages/{message['id']}")

    last = alice.get(f"/v1/rooms/{room['id']}").json()["last_message"]

    assert (last["id"], last["text"]) == (message["id"], None)
    assert last["deleted_at"] is not None


def test_a_late_member_sees_no_earlier_message(alice: Person, bob: Person) -> None:
    room = make_room(alice)
    post_message(alice, room, "before bob")
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}")

    seen = bob.get(f"/v1/rooms/{room['id']}").json()

    assert seen["last_message"] is None
    assert seen["me"]["unread"] == 0


def test_a_returning_member_sees_the_last_message_of_the_first_membership(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    message = post_message(alice, room, "with bob")
    bob.post(f"/v1/rooms/{room['id']}/leave")
    post_message(alice, room, "without bob")
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}")

    seen = bob.get(f"/v1/rooms/{room['id']}").json()

    assert seen["last_message"] == message


def test_a_late_member_of_a_shared_history_sees_all_of_it(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public")
    message = post_message(alice, room, "before bob")

    joined = bob.post(f"/v1/rooms/{room['id']}/join").json()

    assert joined["last_message"] == message
    assert joined["me"]["unread"] == 0


def test_an_outsider_sees_a_public_room_from_outside(alice: Person, charlie: Person) -> None:
    room = make_room(alice, kind="public")
    post_message(alice, room, "not for charlie")

    seen = charlie.get(f"/v1/rooms/{room['id']}").json()

    assert (seen["id"], seen["last_message"], seen["me"]) == (room["id"], None, OUTSIDE)


def test_a_former_member_of_a_public_room_has_the_state_left(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public", members=[bob])
    bob.post(f"/v1/rooms/{room['id']}/leave")

    seen = bob.get(f"/v1/rooms/{room['id']}").json()

    assert seen["me"] == OUTSIDE | {"state": "left"}


@pytest.mark.parametrize("kind", ["private", "direct"])
def test_an_outsider_sees_no_other_room(alice: Person, bob: Person, charlie: Person, kind: str) -> None:
    room: Any = make_room(alice) if kind == "private" else alice.put(f"/v1/rooms/direct/{bob.user.id}").json()

    assert refusal(charlie.get(f"/v1/rooms/{room['id']}")) == (404, "not_found")


@pytest.mark.parametrize("room_id", [str(uuid4()), "tea", "0"])
def test_an_unknown_room_is_not_found(alice: Person, room_id: str) -> None:
    assert refusal(alice.get(f"/v1/rooms/{room_id}")) == (404, "not_found")
