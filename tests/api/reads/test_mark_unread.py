"""POST /v1/rooms/{id}/unread"""

from typing import Any

import pytest

from tests.api.stories import inbox_of, make_room, refusal, say
from tests.clients import Person


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    """Bob has read all of 1..4."""
    room = make_room(alice, members=[bob])
    for seq in range(2, 5):
        say(alice, room, str(seq))
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


def test_only_back(bob: Person, room: Any) -> None:
    mark(bob, room, 2)
    heard = len(inbox_of(bob))

    responses = [mark(bob, room, 2), mark(bob, room, 4)]

    assert [response.json()["read_seq"] for response in responses] == [1, 1]
    assert len(inbox_of(bob)) == heard


def test_to_the_very_beginning(bob: Person, room: Any) -> None:
    assert mark(bob, room, 1).json() == {"read_seq": 0, "unread": 3, "unread_capped": False}


def test_not_beyond_the_head(bob: Person, room: Any) -> None:
    assert refusal(mark(bob, room, 5)) == (400, "read.ahead")


@pytest.mark.parametrize("seq", [0, -1, "3", True, None])
def test_a_seq_that_is_none(bob: Person, room: Any, seq: object) -> None:
    assert refusal(mark(bob, room, seq)) == (400, "request.invalid")


def test_an_outsider_marks_nothing(alice: Person, charlie: Person, room: Any) -> None:
    assert refusal(mark(charlie, room, 1)) == (404, "not_found")
    assert refusal(mark(charlie, make_room(alice, kind="public"), 1)) == (403, "room.not_member")


def test_what_i_may_not_see_is_not_unread(alice: Person, charlie: Person, room: Any) -> None:
    alice.put(f"/v1/rooms/{room['id']}/members/{charlie.user.id}")
    say(alice, room, "Welcome")

    assert mark(charlie, room, 1).json() == {"read_seq": 0, "unread": 1, "unread_capped": False}
