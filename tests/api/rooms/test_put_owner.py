"""PUT /v1/rooms/{id}/owner"""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.stories import events_of, make_room, refusal, types_of
from tests.clients import Person, codes


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob])


def hand_over(actor: Person, room: Any, user_id: object) -> Any:
    return actor.put(f"/v1/rooms/{room['id']}/owner", {"user_id": user_id})


def test_it_works(alice: Person, bob: Person, room: Any) -> None:
    response = hand_over(alice, room, bob.user.id)

    assert (response.status_code, response.json()["role"]) == (200, "owner")
    assert response.json()["user"]["id"] == str(bob.user.id)
    assert types_of(room) == ["room.created", "member.role_changed", "member.role_changed"]
    roles = [(event["data"]["user"]["id"], event["data"]["role"]) for event in events_of(room)[1:]]
    assert roles == [(str(bob.user.id), "owner"), (str(alice.user.id), "admin")]
    assert alice.get(f"/v1/rooms/{room['id']}").json()["me"]["role"] == "admin"


def test_it_can_be_repeated(alice: Person, bob: Person, room: Any) -> None:
    first, second = hand_over(alice, room, bob.user.id), hand_over(alice, room, bob.user.id)

    assert (first.json(), second.status_code) == (second.json(), 200)
    assert len(types_of(room)) == 3


def test_a_marker_that_is_not_shared_is_in_no_answer(alice: Person, bob: Person, room: Any) -> None:
    bob.patch("/v1/me", {"settings": {"share_read": False}})

    for _ in range(2):
        shown = hand_over(alice, room, bob.user.id).json()
        assert (shown["read_seq"], shown["delivered_seq"]) == (None, None)


def test_to_oneself_it_changes_nothing(alice: Person, room: Any) -> None:
    assert hand_over(alice, room, alice.user.id).json()["role"] == "owner"
    assert types_of(room) == ["room.created"]


def test_it_is_refused(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    assert refusal(hand_over(bob, room, bob.user.id)) == (403, "room.role_required")
    assert refusal(hand_over(charlie, room, charlie.user.id)) == (404, "not_found")
    assert refusal(hand_over(alice, room, charlie.user.id)) == (404, "not_found")
    assert refusal(hand_over(alice, room, uuid4())) == (404, "not_found")
    assert codes(hand_over(alice, room, None)) == {"user_id": "null"}
    direct = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()
    assert refusal(hand_over(alice, direct, bob.user.id)) == (403, "room.direct")
    bob.user.is_active = False
    bob.user.save()
    assert refusal(hand_over(alice, room, bob.user.id)) == (403, "auth.account_disabled")
    assert types_of(room) == ["room.created"]
