"""GET /v1/rooms/{id}/messages"""

from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from api.services.messages import Send, get_messages, send_messages
from eventlog.models import Epoch
from tests.api.stories import make_room, post_message, refusal
from tests.clients import Person, codes


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    """Seqs 2..11 are the messages "2".."11"; seq 12 is none."""
    room = make_room(alice, members=[bob])
    for seq in range(2, 12):
        post_message(alice, room, str(seq))
    alice.patch(f"/v1/rooms/{room['id']}", {"topic": "Tea"})
    return room


def read(person: Person, room: Any, **query: Any) -> Any:
    return person.get(f"/v1/rooms/{room['id']}/messages", **query)


def seqs(response: Any) -> list[int]:
    assert response.status_code == 200, response.json()
    return [message["seq"] for message in response.json()["results"]]


def more(response: Any) -> tuple[bool, bool]:
    return response.json()["page"]["more_before"], response.json()["page"]["more_after"]


def test_it_works(bob: Person, room: Any) -> None:
    page = read(bob, room, limit=3).json()

    assert set(page) == {"results", "page", "head", "epoch", "mine"}
    assert [(message["seq"], message["text"]) for message in page["results"]] == [(9, "9"), (10, "10"), (11, "11")]
    assert page["page"] == {"oldest_seq": 9, "newest_seq": 11, "more_before": True, "more_after": False}
    assert (page["head"], page["epoch"]) == (12, 1)


@pytest.mark.parametrize(
    ("query", "expected", "sides"),
    [
        ({}, range(2, 12), (False, False)),
        ({"limit": 10}, range(2, 12), (False, False)),
        ({"limit": 9}, range(3, 12), (True, False)),
        ({"before": 5}, range(2, 5), (False, True)),
        ({"before": 5, "limit": 2}, range(3, 5), (True, True)),
        ({"before": 2}, [], (False, True)),
        ({"before": 1}, [], (False, True)),
        ({"before": 12}, range(2, 12), (False, False)),
        ({"before": 13, "limit": 1}, [11], (True, False)),
        ({"after": 0, "limit": 2}, [2, 3], (False, True)),
        ({"after": 9}, [10, 11], (True, False)),
        ({"after": 9, "limit": 1}, [10], (True, True)),
        ({"after": 11}, [], (True, False)),
        ({"after": 12}, [], (True, False)),
        ({"around": 6, "limit": 3}, [5, 6, 7], (True, True)),
        ({"around": 6, "limit": 4}, [4, 5, 6, 7], (True, True)),
        ({"around": 6, "limit": 1}, [6], (True, True)),
        ({"around": 2, "limit": 3}, [2, 3, 4], (False, True)),
        ({"around": 11, "limit": 3}, [9, 10, 11], (True, False)),
        ({"around": 12, "limit": 3}, [9, 10, 11], (True, False)),
        ({"around": 1, "limit": 3}, [2, 3, 4], (False, True)),
    ],
)
def test_a_seq_as_the_anchor(
    bob: Person, room: Any, query: dict[str, Any], expected: Any, sides: tuple[bool, bool]
) -> None:
    response = read(bob, room, **query)

    assert (seqs(response), more(response)) == (list(expected), sides)


def test_a_message_as_the_anchor(bob: Person, room: Any) -> None:
    anchor = read(bob, room, around=6, limit=1).json()["results"][0]["id"]

    assert seqs(read(bob, room, before=anchor, limit=2)) == [4, 5]
    assert seqs(read(bob, room, after=anchor, limit=2)) == [7, 8]
    assert seqs(read(bob, room, around=anchor, limit=3)) == [5, 6, 7]


def test_a_time_as_the_anchor(bob: Person, room: Any) -> None:
    messages = read(bob, room).json()["results"]
    moment = messages[4]["created_at"]
    earlier = [message["seq"] for message in messages if message["created_at"] < moment]
    later = [message["seq"] for message in messages if message["created_at"] > moment]
    same = [message["seq"] for message in messages if message["created_at"] == moment]

    assert seqs(read(bob, room, before=moment)) == earlier
    assert seqs(read(bob, room, after=moment)) == later
    assert set(same) <= set(seqs(read(bob, room, around=moment)))
    assert seqs(read(bob, room, after="2001-01-01T00:00:00+02:00")) == list(range(2, 12))
    assert seqs(read(bob, room, after="2999-01-01T00:00:00Z")) == []
    assert seqs(read(bob, room, before="2999-01-01T00:00:00Z")) == list(range(2, 12))


def test_unread_as_the_anchor(bob: Person, room: Any) -> None:
    bob.post(f"/v1/rooms/{room['id']}/read", {"seq": 7})

    assert seqs(read(bob, room, after="unread", limit=2)) == [8, 9]
    assert seqs(read(bob, room, before="unread", limit=2)) == [6, 7]
    assert seqs(read(bob, room, around="unread", limit=4)) == [6, 7, 8, 9]


def test_unread_when_all_is_read(alice: Person, room: Any) -> None:
    alice.post(f"/v1/rooms/{room['id']}/read", {"seq": 12})

    assert seqs(read(alice, room, around="unread", limit=2)) == [10, 11]
    assert seqs(read(alice, room, after="unread")) == []


@pytest.mark.parametrize("direction", ["before", "after"])
def test_paging_returns_every_message_once(bob: Person, room: Any, direction: str) -> None:
    met: list[int] = []
    anchor = 13 if direction == "before" else 0
    while True:
        response = read(bob, room, limit=3, **{direction: anchor})
        page = response.json()["page"]
        met += seqs(response)
        if not page[f"more_{direction}"]:
            break
        anchor = page["oldest_seq"] if direction == "before" else page["newest_seq"]

    assert sorted(met) == list(range(2, 12))


@pytest.mark.parametrize("query", [{"before": 14}, {"before": 0}, {"after": 13}, {"around": 0}, {"around": 13}])
def test_an_unknown_seq_is_not_found(bob: Person, room: Any, query: dict[str, Any]) -> None:
    assert refusal(read(bob, room, **query)) == (404, "not_found")


def test_an_unknown_message_as_the_anchor_is_not_found(alice: Person, bob: Person, room: Any) -> None:
    elsewhere = post_message(alice, make_room(alice), "Hi")

    for anchor in (uuid4(), elsewhere["id"]):
        assert refusal(read(bob, room, before=anchor)) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"before": "tea"}, "before"),
        ({"before": ""}, "before"),
        ({"after": -1}, "after"),
        ({"after": "1_0"}, "after"),
        ({"after": "٣"}, "after"),
        ({"around": "2026-01-01"}, "around"),
        ({"around": "2026-01-01T00:00:00"}, "around"),
        ({"before": "0001-01-01T00:00:00+14:00"}, "before"),
        ({"after": "9999-12-31T23:59:59-14:00"}, "after"),
        ({"around": 2**53}, "around"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"offset": 1}, "offset"),
        ({"before": 5, "after": 3}, "after"),
    ],
)
def test_an_invalid_query_is_refused(bob: Person, room: Any, query: dict[str, Any], field: str) -> None:
    response = read(bob, room, **query)

    assert response.status_code == 400
    assert list(codes(response)) == [field]


def test_an_outsider_reads_nothing(alice: Person, charlie: Person, stranger: Person, room: Any) -> None:
    assert refusal(read(charlie, room)) == (404, "not_found")
    assert refusal(read(charlie, room, before=uuid4())) == (404, "not_found")
    assert refusal(read(charlie, make_room(alice, kind="public"))) == (403, "room.not_member")
    assert refusal(read(stranger, room)) == (401, "auth.required")


def test_an_archived_room_can_be_read(alice: Person, bob: Person, room: Any) -> None:
    alice.delete(f"/v1/rooms/{room['id']}")

    assert seqs(read(bob, room)) == list(range(2, 12))


def test_a_member_sees_only_their_membership_periods(alice: Person, bob: Person) -> None:
    room = make_room(alice)
    url = f"/v1/rooms/{room['id']}/members/{bob.user.id}"
    post_message(alice, room, "2")
    alice.put(url)
    stay = post_message(alice, room, "4")
    alice.delete(url)
    gap = post_message(alice, room, "6")
    alice.put(url)
    post_message(alice, room, "8")

    assert seqs(read(bob, room)) == [4, 8]
    assert more(read(bob, room, after=stay["id"], limit=1)) == (True, False)
    assert more(read(bob, room, before=8)) == (False, True)
    assert seqs(read(bob, room, after=5)) == [8]
    assert refusal(read(bob, room, before=gap["id"])) == (404, "not_found")
    assert seqs(read(alice, room)) == [2, 4, 6, 8]


def test_a_new_member_of_a_room_with_shared_history_sees_all_messages(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public")
    post_message(alice, room, "2")
    bob.post(f"/v1/rooms/{room['id']}/join")

    assert seqs(read(bob, room)) == [2]


def test_a_former_member_cannot_read_messages(alice: Person, bob: Person, room: Any) -> None:
    bob.post(f"/v1/rooms/{room['id']}/leave")

    assert refusal(read(bob, room)) == (404, "not_found")


def test_the_epoch_is_that_of_the_log(bob: Person, room: Any) -> None:
    Epoch.objects.update_or_create(id=1, defaults={"value": 7})

    assert read(bob, room).json()["epoch"] == 7


@pytest.mark.parametrize(
    ("query", "queries"),
    [({}, 3), ({"before": 9}, 4), ({"after": 3}, 4), ({"around": 5}, 4), ({"around": "unread"}, 4)],
)
def test_the_queries_of_a_page_do_not_depend_on_its_size(
    bob: Person, room: Any, query: dict[str, Any], queries: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for limit in (1, 10):
        with django_assert_num_queries(queries):
            read(bob, room, limit=limit, **query)


@pytest.mark.parametrize(
    ("anchor", "expected", "sides"),
    [
        ({}, [17, 18, 19, 20, 21], (True, False)),
        ({"before": 10}, [5, 6, 7, 8, 9], (True, True)),
        ({"after": 10}, [11, 12, 13, 14, 15], (True, True)),
        ({"around": 10}, [8, 9, 10, 11, 12], (True, True)),
    ],
)
def test_a_page_of_bounded_bytes_ends_early_and_reports_more(
    alice: Person, anchor: dict[str, Any], expected: list[int], sides: tuple[bool, bool]
) -> None:
    room = UUID(make_room(alice)["id"])
    send_messages([Send(alice.session, room, f"{number}", "x" * 1_000, {}, None) for number in range(20)])

    answer = get_messages(user_id=alice.user.id, room_id=room, limit=50, max_bytes=8_700, **anchor)

    assert (answer["page"]["oldest_seq"], answer["page"]["newest_seq"]) == (expected[0], expected[-1])
    assert len(answer["results"]) == len(expected)
    assert (answer["page"]["more_before"], answer["page"]["more_after"]) == sides


def test_a_page_has_at_least_one_message(alice: Person) -> None:
    room = make_room(alice)
    post_message(alice, room, "x" * 8_000)

    answer = get_messages(user_id=alice.user.id, room_id=UUID(room["id"]), max_bytes=1)

    assert len(answer["results"]) == 1


def test_an_anchor_may_be_in_upper_case(alice: Person) -> None:
    room = make_room(alice)
    message = post_message(alice, room, "Hi")

    for around in (message["id"].upper(), message["created_at"].lower()):
        assert alice.get(f"/v1/rooms/{room['id'].upper()}/messages", around=around).json()["results"] == [message]


def test_a_space_in_a_time_is_reported_as_an_unescaped_plus(alice: Person) -> None:
    room = make_room(alice)

    response = alice.request("GET", f"/v1/rooms/{room['id']}/messages?before=2026-11-25T10:00:00+00:00")

    [error] = response.json()["errors"]
    assert (response.status_code, error["field"], error["code"]) == (400, "before", "invalid")
    assert "%2B" in error["detail"]
