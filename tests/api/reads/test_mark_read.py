"""POST /v1/rooms/{id}/read"""

from typing import Any
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from api.models import Room
from api.services import reads
from eventlog.event_types import is_of_inbox
from tests.api.stories import inbox_of, make_room, post_message, refusal, types_of
from tests.clients import Person, codes
from tests.signals import collect_commits


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    """Create a room in which Bob has not read 2..4."""
    room = make_room(alice, members=[bob])
    for seq in range(2, 5):
        post_message(alice, room, str(seq))
    return room


def mark(person: Person, room: Any, seq: object) -> Any:
    return person.post(f"/v1/rooms/{room['id']}/read", {"seq": seq})


def test_it_works(bob: Person, room: Any) -> None:
    response = mark(bob, room, 3)

    assert (response.status_code, response.json()) == (200, {"read_seq": 3, "unread": 1, "unread_capped": False})
    me = bob.get(f"/v1/rooms/{room['id']}").json()["me"]
    assert (me["read_seq"], me["unread"]) == (3, 1)
    event = inbox_of(bob)[-1]
    assert event["type"] == "read.updated"
    moved = {"room_id": room["id"], "user_id": str(bob.user.id), "read_seq": 3, "head": 4}
    assert event["data"] == {**moved, "unread": 1, "unread_capped": False}
    assert "read.updated" not in types_of(room)


def test_the_count_costs_no_query_of_its_own(
    bob: Person, room: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(11) as queries:
        mark(bob, room, 3)

    selects = [query["sql"] for query in queries if query["sql"].startswith("SELECT") and "counted" in query["sql"]]
    assert len(selects) == 1


def test_a_capped_count_is_marked(alice: Person, bob: Person, room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "UNREAD_EXACT", 1)

    mark(bob, room, 2)

    event = inbox_of(bob)[-1]["data"]
    assert (event["unread"], event["unread_capped"]) == (1, True)


def test_the_marker_does_not_move_back(bob: Person, room: Any) -> None:
    mark(bob, room, 4)

    responses = [mark(bob, room, 2), mark(bob, room, 4), mark(bob, room, 0)]

    assert [response.json()["read_seq"] for response in responses] == [4, 4, 4]
    assert [event["type"] for event in inbox_of(bob)] == ["room.added", "read.updated"]


def test_a_seq_beyond_the_head_is_rejected(bob: Person, room: Any) -> None:
    response = mark(bob, room, 5)

    assert refusal(response) == (400, "read.ahead")
    assert codes(response) == {"seq": "ahead"}
    assert len(inbox_of(bob)) == 1


@pytest.mark.parametrize("seq", [-1, "3", 2.5, True, None, 2**53])
def test_an_invalid_seq_is_rejected(bob: Person, room: Any, seq: object) -> None:
    response = mark(bob, room, seq)

    assert response.status_code == 400


def test_an_outsider_cannot_mark(alice: Person, charlie: Person, room: Any) -> None:
    assert refusal(mark(charlie, room, 1)) == (404, "not_found")
    assert refusal(mark(charlie, make_room(alice, kind="public"), 1)) == (403, "room.not_member")
    assert refusal(mark(charlie, {"id": uuid4()}, 1)) == (404, "not_found")


def test_an_archived_room_can_be_marked(alice: Person, bob: Person, room: Any) -> None:
    alice.delete(f"/v1/rooms/{room['id']}")

    assert mark(bob, room, 5).json() == {"read_seq": 5, "unread": 0, "unread_capped": False}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("members", "is_published"), [(100, True), (101, False)])
def test_the_members_of_a_small_room_get_one_event(bob: Person, room: Any, members: int, is_published: bool) -> None:
    Room.objects.update(member_count=members, is_large=members > 100)

    with collect_commits() as commits:
        mark(bob, room, 3)

    events = [event for commit in commits for event in commit]
    ephemeral = [event for event in events if event.seq is None]
    assert [(str(event.stream), event.type, event.min_seq) for event in ephemeral] == (
        [(room["id"], "read.updated", 4)] if is_published else []
    )
    assert [event.seq for event in events if is_of_inbox(event.type, event.seq)] == [2]
