"""GET /v1/rooms"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from eventlog.models import StreamHead
from tests.api.stories import make_room, post_message
from tests.clients import Person, codes

URL = "/v1/rooms"


def test_it_works(alice: Person, bob: Person, charlie: Person) -> None:
    first, second = make_room(alice, members=[bob]), make_room(alice, kind="public")
    make_room(charlie, kind="public")
    message = post_message(bob, first, "news")

    page = alice.get(URL).json()

    assert [room["id"] for room in page["results"]] == [first["id"], second["id"]]
    assert page["results"][0] == alice.get(f"{URL}/{first['id']}").json()
    assert page["results"][0]["last_message"] == message
    assert page["results"][0]["me"]["unread"] == 1
    assert (page["next"], page["previous"]) == (None, None)


def test_the_list_pages_in_both_directions(alice: Person) -> None:
    rooms = [make_room(alice)["id"] for _ in range(5)][::-1]

    first = alice.get(URL, limit=2).json()
    second = alice.get(URL, limit=2, cursor=first["next"]).json()
    third = alice.get(URL, limit=2, cursor=second["next"]).json()
    back = alice.get(URL, limit=2, cursor=third["previous"]).json()

    pages = [[room["id"] for room in page["results"]] for page in (first, second, third, back)]
    assert pages == [rooms[:2], rooms[2:4], rooms[4:], rooms[2:4]]
    assert (first["previous"], third["next"]) == (None, None)


def pages_of(person: Person, cursor: str | None, limit: int) -> list[list[str]]:
    """Return the ids of the rooms on each page from this cursor on."""
    pages = []
    while cursor:
        page = person.get(URL, cursor=cursor, limit=limit).json()
        assert len(page["results"]) <= limit
        pages.append([room["id"] for room in page["results"]])
        cursor = page["next"]
    return pages


def test_rooms_that_move_up_between_two_pages_come_last(alice: Person) -> None:
    rooms = [make_room(alice) for _ in range(6)][::-1]
    ids = [room["id"] for room in rooms]
    first = alice.get(URL, limit=2).json()
    for room in rooms[:3] + rooms[5:]:  # two rooms of the first page, and two others
        post_message(alice, room, "up")

    pages = pages_of(alice, first["next"], limit=2)

    assert pages == [ids[3:5], [ids[5], ids[2]]]  # in the order of their ids


def test_rooms_that_move_again_and_again_are_on_some_page(alice: Person) -> None:
    rooms = [make_room(alice) for _ in range(7)]
    page = alice.get(URL, limit=1).json()
    seen = {room["id"] for room in page["results"]}
    while page["next"]:
        post_message(alice, rooms[-1], "always on top")
        unseen = next((room for room in rooms if room["id"] not in seen), rooms[0])
        post_message(alice, unseen, "just before it would be shown")
        page = alice.get(URL, limit=1, cursor=page["next"]).json()
        seen |= {room["id"] for room in page["results"]}
        assert len(page["results"]) == 1

    assert seen == {room["id"] for room in rooms}


def test_a_message_that_is_older_than_the_first_page_and_comes_after_it(alice: Person) -> None:
    """A message gets its time before its transaction commits."""
    rooms = [make_room(alice) for _ in range(4)]
    top = post_message(alice, rooms[3], "on top")
    first = alice.get(URL, limit=2).json()
    late = datetime.fromisoformat(top["created_at"])
    StreamHead.objects.filter(stream=rooms[0]["id"]).update(last_message_at=late - timedelta(milliseconds=5))

    pages = pages_of(alice, first["next"], limit=2)

    assert pages == [[rooms[1]["id"], rooms[0]["id"]]]


def test_a_room_joined_between_two_pages_comes_last(alice: Person, bob: Person) -> None:
    old = make_room(bob, kind="public")
    mine = [make_room(alice)["id"] for _ in range(3)][::-1]
    StreamHead.objects.update(last_message_at=timezone.now() - timedelta(days=1))
    StreamHead.objects.filter(stream=old["id"]).update(last_message_at=timezone.now() - timedelta(hours=1))
    first = alice.get(URL, limit=2).json()
    alice.post(f"{URL}/{old['id']}/join")

    assert pages_of(alice, first["next"], limit=2) == [[mine[2], old["id"]]]


def test_a_client_can_page_back_from_the_rooms_that_moved(alice: Person) -> None:
    rooms = [make_room(alice) for _ in range(5)][::-1]
    ids = [room["id"] for room in rooms]
    first = alice.get(URL, limit=2).json()
    post_message(alice, rooms[3], "up")
    post_message(alice, rooms[2], "up")
    post_message(alice, rooms[4], "up")
    moved = alice.get(URL, limit=2, cursor=first["next"]).json()
    last = alice.get(URL, limit=2, cursor=moved["next"]).json()

    back = alice.get(URL, limit=2, cursor=last["previous"]).json()

    assert [room["id"] for room in moved["results"]] == [ids[4], ids[3]]
    assert [room["id"] for room in last["results"]] == [ids[2]]
    assert [room["id"] for room in back["results"]] == ids[:2]


def test_the_last_page_of_a_list_that_moved_takes_one_query_more(
    alice: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rooms = [make_room(alice) for _ in range(12)]
    cursor = alice.get(URL, limit=5).json()["next"]
    for room in rooms:
        post_message(alice, room, "up")

    with django_assert_num_queries(6):
        page = alice.get(URL, limit=5, cursor=cursor).json()

    assert len(page["results"]) == 5


def test_only_a_new_message_moves_a_room_to_the_top(alice: Person, bob: Person) -> None:
    quiet, busy = make_room(alice, kind="public"), make_room(alice, kind="public")
    message = post_message(alice, quiet, "first")
    post_message(alice, busy, "second")
    path = f"{URL}/{quiet['id']}"

    bob.post(f"{path}/join")
    alice.patch(f"{path}/messages/{message['id']}", {"text": "edited"})
    alice.delete(f"{path}/messages/{message['id']}")
    alice.patch(path, {"topic": "new"})
    alice.put(f"{path}/members/{bob.user.id}", {"role": "admin"})
    bob.post(f"{path}/read", {"seq": 1})
    bob.post(f"{path}/leave")

    rooms = alice.get(URL).json()["results"]
    assert [room["id"] for room in rooms] == [busy["id"], quiet["id"]]
    assert rooms[1]["last_message_at"] == message["created_at"]  # a deletion does not change it
    post_message(alice, quiet, "third")
    assert alice.get(URL).json()["results"][0]["id"] == quiet["id"]


def test_a_room_without_messages_is_sorted_by_its_creation(alice: Person) -> None:
    before, used, after = make_room(alice), make_room(alice), make_room(alice)
    message = post_message(alice, used, "hello")
    last = make_room(alice)

    rooms = alice.get(URL).json()["results"]

    assert [room["id"] for room in rooms] == [last["id"], used["id"], after["id"], before["id"]]
    assert [room["last_message_at"] for room in rooms] == [None, message["created_at"], None, None]


def ids_of(person: Person, **query: Any) -> set[str]:
    return {room["id"] for room in person.get(URL, **query).json()["results"]}


def test_a_room_that_the_user_left_is_not_listed(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    bob.post(f"{URL}/{room['id']}/leave")

    assert ids_of(bob) == ids_of(bob, archived="true") == ids_of(bob, hidden="true") == set()


def test_archived_and_hidden_rooms_are_listed_apart(alice: Person, bob: Person) -> None:
    plain, archived, hidden, both = (make_room(alice, members=[bob])["id"] for _ in range(4))
    for room_id in (archived, both):
        alice.delete(f"{URL}/{room_id}")
    for room_id in (hidden, both):
        bob.patch(f"{URL}/{room_id}/me", {"hidden": True})

    assert ids_of(bob) == ids_of(bob, archived="false", hidden="false") == {plain}
    assert ids_of(bob, archived="true") == {archived, both}
    assert ids_of(bob, hidden="true") == {hidden, both}
    assert ids_of(bob, archived="true", hidden="true") == {both}
    assert ids_of(alice) == {plain, hidden}


@pytest.mark.parametrize("name", ["archived", "hidden"])
def test_each_of_these_lists_pages(alice: Person, name: str) -> None:
    rooms = [make_room(alice)["id"] for _ in range(3)]
    for room_id in rooms:
        if name == "archived":
            alice.delete(f"{URL}/{room_id}")
        else:
            alice.patch(f"{URL}/{room_id}/me", {"hidden": True})

    first = alice.get(URL, limit=2, **{name: "true"}).json()
    second = alice.get(URL, limit=2, cursor=first["next"], **{name: "true"}).json()

    assert [room["id"] for page in (first, second) for room in page["results"]] == rooms[::-1]


@pytest.mark.parametrize("count", [2, 12])
def test_the_queries_do_not_grow_with_the_rooms(
    alice: Person, bob: Person, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for index in range(count):
        room = make_room(alice, members=[bob], history=["shared", "since_joined"][index % 2])
        post_message(bob, room, "hello")

    # the session, the rooms with their heads, my memberships, unread, last messages
    with django_assert_num_queries(5):
        page = alice.get(URL).json()

    assert len(page["results"]) == count


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ({"limit": 101}, {"limit": "max_value"}),
        ({"limit": 0}, {"limit": "min_value"}),
        ({"limit": "ten"}, {"limit": "invalid"}),
        ({"cursor": "forged"}, {"cursor": "invalid"}),
        ({"offset": 5}, {"offset": "unknown"}),
        ({"archived": "yes"}, {"archived": "invalid"}),
        ({"hidden": ""}, {"hidden": "invalid"}),
    ],
)
def test_an_invalid_parameter_is_rejected_by_name(
    alice: Person, query: dict[str, object], refused: dict[str, str]
) -> None:
    response = alice.get(URL, **query)

    assert response.status_code == 400
    assert codes(response) == refused


def test_a_page_of_bounded_bytes_ends_early_with_a_next(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred rooms with the largest messages in them would be 2 MB."""
    monkeypatch.setattr("api.services.rooms.summaries.ANSWER_BYTES", 20_000)
    rooms = [make_room(alice) for _ in range(7)]
    for room in rooms:
        post_message(alice, room, "x" * 7_000)
    everything = [room["id"] for room in rooms][::-1]

    forwards = [alice.get(URL).json()]
    while forwards[-1]["next"]:
        forwards.append(alice.get(URL, cursor=forwards[-1]["next"]).json())
    backwards = [forwards[-1]]
    while backwards[0]["previous"]:
        backwards.insert(0, alice.get(URL, cursor=backwards[0]["previous"]).json())

    assert [len(page["results"]) for page in forwards] == [2, 2, 2, 1]
    assert [room["id"] for page in forwards for room in page["results"]] == everything
    assert [room["id"] for page in backwards for room in page["results"]] == everything
    assert all(room["last_message"]["text"] for page in forwards for room in page["results"])


def test_a_page_has_at_least_one_room(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.rooms.summaries.ANSWER_BYTES", 1)
    rooms = [make_room(alice) for _ in range(2)]
    for room in rooms:
        post_message(alice, room, "x" * 7_000)

    first = alice.get(URL).json()
    second = alice.get(URL, cursor=first["next"]).json()

    assert [room["id"] for page in (first, second) for room in page["results"]] == [rooms[1]["id"], rooms[0]["id"]]
    assert second["next"] is None
