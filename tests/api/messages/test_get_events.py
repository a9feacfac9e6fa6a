"""GET /v1/rooms/{id}/events and GET /v1/me/events"""

from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from api.services.messages import get_events
from tests.api.stories import events_of, inbox_of, make_room, post_message, refusal
from tests.clients import Person, codes

EVENT_KEYS = {"type", "room_id", "seq", "at", "actor_id", "data"}


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    """Events 1..6."""
    room = make_room(alice, members=[bob])
    for seq in range(2, 7):
        post_message(alice, room, str(seq))
    return room


def read(person: Person, room: Any, **query: Any) -> Any:
    return person.get(f"/v1/rooms/{room['id']}/events", **query)


def seqs(response: Any) -> list[int]:
    assert response.status_code == 200, response.json()
    return [event["seq"] for event in response.json()["results"]]


def test_it_works(bob: Person, room: Any) -> None:
    page = read(bob, room).json()

    assert set(page) == {"results", "head", "epoch", "more"}
    assert (page["head"], page["epoch"], page["more"]) == (6, 1, False)
    assert all(set(event) == EVENT_KEYS for event in page["results"])
    assert page["results"] == events_of(room)
    assert [event["type"] for event in page["results"]] == ["room.created"] + ["message.created"] * 5


@pytest.mark.parametrize(
    ("query", "expected", "more"),
    [
        ({"after": 0}, [1, 2, 3, 4, 5, 6], False),
        ({"after": 2, "limit": 2}, [3, 4], True),
        ({"after": 4, "limit": 2}, [5, 6], False),
        ({"after": 6}, [], False),
        ({"after": 99}, [], False),
        ({"before": 4}, [1, 2, 3], False),
        ({"before": 4, "limit": 2}, [2, 3], True),
        ({"before": 1}, [], False),
        ({"after": 1, "before": 5}, [2, 3, 4], False),
        ({"after": 1, "before": 5, "limit": 2}, [2, 3], True),
        ({"after": 5, "before": 2}, [], False),
        ({"limit": 1}, [1], True),
    ],
)
def test_after_and_before_limit_the_page(
    bob: Person, room: Any, query: dict[str, Any], expected: list[int], more: bool
) -> None:
    response = read(bob, room, **query)

    assert (seqs(response), response.json()["more"]) == (expected, more)


@pytest.mark.parametrize(
    ("query", "field"),
    [({"limit": 201}, "limit"), ({"limit": 0}, "limit"), ({"after": -1}, "after"), ({"before": "x"}, "before")],
)
def test_an_invalid_query_is_refused(bob: Person, room: Any, query: dict[str, Any], field: str) -> None:
    response = read(bob, room, **query)

    assert response.status_code == 400
    assert list(codes(response)) == [field]


def test_an_outsider_cannot_read_events(alice: Person, charlie: Person, room: Any) -> None:
    assert refusal(read(charlie, room)) == (404, "not_found")
    assert refusal(read(charlie, make_room(alice, kind="public"))) == (403, "room.not_member")
    assert refusal(read(charlie, {"id": uuid4()})) == (404, "not_found")


def test_a_member_reads_the_events_of_their_membership_periods(alice: Person, bob: Person) -> None:
    room = make_room(alice)
    url = f"/v1/rooms/{room['id']}/members/{bob.user.id}"
    post_message(alice, room, "2")
    alice.put(url)
    post_message(alice, room, "4")
    alice.delete(url)
    post_message(alice, room, "6")
    alice.put(url)
    post_message(alice, room, "8")

    page = read(bob, room)

    assert seqs(page) == [3, 4, 5, 7, 8]
    assert (page.json()["head"], page.json()["more"]) == (8, False)
    assert (seqs(read(bob, room, limit=3)), read(bob, room, limit=3).json()["more"]) == ([3, 4, 5], True)
    assert seqs(read(bob, room, before=7, limit=2)) == [4, 5]
    assert seqs(read(alice, room)) == list(range(1, 9))


def test_a_former_member_cannot_read_events(alice: Person, bob: Person, room: Any) -> None:
    alice.delete(f"/v1/rooms/{room['id']}/members/{bob.user.id}")

    assert refusal(read(bob, room)) == (404, "not_found")


def test_the_queries_of_a_page_do_not_depend_on_its_size(
    bob: Person, room: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for limit in (1, 6):
        with django_assert_num_queries(3):  # the token, my membership, the events
            assert len(read(bob, room, limit=limit).json()["results"]) == limit


def test_a_page_of_bounded_bytes_ends_early_and_reports_more(alice: Person, room: Any) -> None:
    size = len(str(events_of(room)[-1])) * 3

    forwards = get_events(user_id=alice.user.id, room_id=UUID(room["id"]), max_bytes=size)
    backwards = get_events(user_id=alice.user.id, room_id=UUID(room["id"]), before=7, max_bytes=1)

    assert 1 <= len(forwards["results"]) < 6
    assert forwards["more"] is True
    assert (len(backwards["results"]), backwards["more"]) == (1, True)


def test_the_inbox_of_a_user(alice: Person, bob: Person, room: Any) -> None:
    bob.post(f"/v1/rooms/{room['id']}/read", {"seq": 3})
    alice.delete(f"/v1/rooms/{room['id']}/members/{bob.user.id}")

    page = bob.get("/v1/me/events").json()

    assert page["results"] == inbox_of(bob)
    assert [(event["type"], event["seq"], event["room_id"]) for event in page["results"]] == [
        ("room.added", 1, None),
        ("read.updated", 2, None),
        ("room.removed", 3, None),
    ]
    assert (page["head"], page["more"]) == (3, False)
    assert [event["seq"] for event in bob.get("/v1/me/events", after=1, limit=1).json()["results"]] == [2]


def test_an_empty_inbox(alice: Person) -> None:
    assert alice.get("/v1/me/events").json() == {"results": [], "head": 0, "epoch": 1, "more": False}


def test_a_stranger_has_no_inbox(stranger: Person) -> None:
    assert refusal(stranger.get("/v1/me/events")) == (401, "auth.required")
