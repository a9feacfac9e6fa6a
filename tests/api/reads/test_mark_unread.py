"""POST /v1/rooms/{id}/unread"""

from typing import Any

import pytest

from tests.api.stories import inbox_of, make_room, post_message, refusal
from tests.clients import Person


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    """Create a room in which Bob has read 1..4."""
    room = make_room(alice, members=[bob])
    for seq in range(2, 5):
        post_message(alice, room, str(seq))
    bob.post(f"/v1/rooms/{room['id']}/read", {"seq": 4})
    return room


def mark(person: Person, room: Any, seq: object) -> Any:
    return person.post(f"/v1/rooms/{room['id']}/unread", {"seq": seq})


def test_it_works(bob: Person, room: Any) -> None:
    response = mark(bob, room, 3)

    assert (response.status_code, response.json()) == (200, {"read_seq": 2, "unread": 2, "unread_capped": False})
    event = inbox_of(bob)[-1]
    assert (event["type"], event["data"]["read_seq"]) == ("read.updated", 2)
    assert bob.get(f"/v1/rooms/{room['id']}").json()["me"]["unread"] == 2


def test_the_marker_does_not_move_forward(bob: Person, room: Any) -> None:
    mark(bob, room, 2)
    count_before = len(inbox_of(bob))

    responses = [mark(bob, room, 2), mark(bob, room, 4)]

    assert [response.json()["read_seq"] for response in responses] == [1, 1]
    assert len(inbox_of(bob)) == count_before


def test_the_marker_can_move_to_the_beginning(bob: Person, room: Any) -> None:
    assert mark(bob, room, 1).json() == {"read_seq": 0, "unread": 3, "unread_capped": False}


def test_a_seq_beyond_the_head_is_rejected(bob: Person, room: Any) -> None:
    assert refusal(mark(bob, room, 5)) == (400, "read.ahead")


@pytest.mark.parametrize("seq", [0, -1, "3", True, None])
def test_an_invalid_seq_is_rejected(bob: Person, room: Any, seq: object) -> None:
    assert refusal(mark(bob, room, seq)) == (400, "request.invalid")


def test_an_outsider_cannot_mark(alice: Person, charlie: Person, room: Any) -> None:
    assert refusal(mark(charlie, room, 1)) == (404, "not_found")
    assert refusal(mark(charlie, make_room(alice, kind="public"), 1)) == (403, "room.not_member")


def test_invisible_messages_are_not_unread(alice: Person, charlie: Person, room: Any) -> None:
    alice.put(f"/v1/rooms/{room['id']}/members/{charlie.user.id}")
    post_message(alice, room, "Welcome")

    assert mark(charlie, room, 1).json() == {"read_seq": 0, "unread": 1, "unread_capped": False}
