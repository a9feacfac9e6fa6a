"""POST /v1/ack, and GET /v1/rooms/{id}/messages/{message_id}/receipts"""

from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError
from pytest_django import DjangoAssertNumQueries

from api.models import Delivery, Room
from api.services import receipts
from tests.api.stories import events_of, make_room, post_message, refusal
from tests.clients import Person
from tests.signals import collect_commits


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    """A room in which Alice has sent 2 and 3."""
    room = make_room(alice, members=[bob])
    for seq in (2, 3):
        post_message(alice, room, str(seq))
    return room


@pytest.fixture(autouse=True)
def _nothing_waits() -> None:
    receipts._waiting.clear()


def ack(person: Person, seqs: dict[str, Any]) -> Any:
    response = person.post("/v1/ack", {"rooms": seqs})
    receipts.write_markers()
    return response


def delivered(viewer: Person, room: Any, member: Person) -> int | None:
    rows = viewer.get(f"/v1/rooms/{room['id']}/members").json()["results"]
    [marker] = [row["delivered_seq"] for row in rows if row["user"]["id"] == str(member.user.id)]
    return None if marker is None else int(marker)


def receipts_of(viewer: Person, room: Any, seq: int) -> Any:
    [message] = [
        each for each in viewer.get(f"/v1/rooms/{room['id']}/messages").json()["results"] if each["seq"] == seq
    ]
    return viewer.get(f"/v1/rooms/{room['id']}/messages/{message['id']}/receipts").json()


@pytest.mark.django_db(transaction=True)
def test_it_works(alice: Person, bob: Person, room: Any) -> None:
    with collect_commits() as events:
        response = ack(bob, {room["id"]: 2})

    assert (response.status_code, response.json()) == (200, {})
    assert delivered(alice, room, bob) == 2
    [[event]] = events
    assert (event.type, event.seq is None, event.min_seq) == ("delivered.updated", True, 3)
    assert receipts_of(alice, room, 2) == {
        "mode": "members",
        "read": [],
        "delivered": [str(bob.user.id)],
        "read_count": 0,
        "delivered_count": 1,
    }
    assert receipts_of(alice, room, 3)["delivered"] == []


def test_an_ack_takes_no_query(bob: Person, room: Any, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):  # of the token
        bob.post("/v1/ack", {"rooms": {room["id"]: 2}})


def test_a_marker_moves_forward_and_not_beyond_the_head(alice: Person, bob: Person, room: Any) -> None:
    moves = []
    for seq in (99, 2):
        ack(bob, {room["id"]: seq})
        moves.append(delivered(alice, room, bob))

    assert moves == [3, 3]


def test_other_rooms_are_ignored(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    response = ack(charlie, {room["id"]: 2, str(uuid4()): 1})

    assert response.status_code == 200
    assert Delivery.objects.count() == 0


def test_read_messages_are_delivered(alice: Person, bob: Person, room: Any) -> None:
    bob.post(f"/v1/rooms/{room['id']}/read", {"seq": 3})

    assert receipts_of(alice, room, 3) == {
        "mode": "members",
        "read": [str(bob.user.id)],
        "delivered": [str(bob.user.id)],
        "read_count": 1,
        "delivered_count": 1,
    }


def test_a_later_joiner_has_no_receipt(alice: Person, charlie: Person, room: Any) -> None:
    alice.put(f"/v1/rooms/{room['id']}/members/{charlie.user.id}")

    assert receipts_of(alice, room, 3)["read_count"] == 0


def test_a_bad_ack_is_refused(bob: Person, room: Any) -> None:
    for wrong in (
        {"rooms": {room["id"]: -1}},
        {"rooms": {room["id"]: "2"}},
        {"rooms": {"tea": 2}},
        {"rooms": {str(uuid4()): 1 for _ in range(101)}},
        {},
    ):
        assert bob.post("/v1/ack", wrong).status_code == 400, wrong
    assert not receipts.has_waiting()


def test_markers_wait_while_the_database_is_away(
    alice: Person, bob: Person, room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseError

    bob.post("/v1/ack", {"rooms": {room["id"]: 2}})
    with monkeypatch.context() as broken:
        broken.setattr(receipts, "_write", fail)
        with pytest.raises(DatabaseError):
            receipts.write_markers()

    receipts.write_markers()

    assert delivered(alice, room, bob) == 2


def test_an_outsider_gets_none(alice: Person, charlie: Person, room: Any) -> None:
    message = alice.get(f"/v1/rooms/{room['id']}/messages").json()["results"][0]

    response = charlie.get(f"/v1/rooms/{room['id']}/messages/{message['id']}/receipts")

    assert refusal(response) == (404, "not_found")
    assert refusal(alice.get(f"/v1/rooms/{room['id']}/messages/{uuid4()}/receipts")) == (404, "not_found")


@pytest.mark.django_db(transaction=True)
def test_a_large_room_counts(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    """The mode changes with the join that makes the 101st member, and back with the leave that makes the 79th."""
    path = f"/v1/rooms/{room['id']}"
    Room.objects.filter(pk=room["id"]).update(member_count=100)

    alice.put(f"{path}/members/{charlie.user.id}")
    large = alice.get(path).json()["mode"]
    with collect_commits() as events:
        ack(bob, {room["id"]: 3})
        bob.post(f"{path}/typing", {"on": True})
    counted = receipts_of(alice, room, 3)
    modes = []
    for count in (81, 80):
        Room.objects.filter(pk=room["id"]).update(member_count=count)
        charlie.post(f"{path}/leave")
        modes.append(alice.get(path).json()["mode"])
        alice.put(f"{path}/members/{charlie.user.id}")

    assert large == {"receipts": "counts", "typing": False}
    assert events == []
    assert counted == {"mode": "counts", "read": [], "delivered": [], "read_count": 0, "delivered_count": 1}
    assert modes == [large, {"receipts": "members", "typing": True}]
    changes = [event["data"]["mode"] for event in events_of(room) if event["type"] == "room.updated"]
    assert changes == [large, modes[1]]
