"""GET /v1/rooms"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.stories import make_room, say
from tests.clients import Person, codes

URL = "/v1/rooms"


def test_it_works(alice: Person, bob: Person, charlie: Person) -> None:
    first, second = make_room(alice, members=[bob]), make_room(alice, kind="public")
    make_room(charlie, kind="public")
    message = say(bob, first, "news")

    page = alice.get(URL).json()

    assert [room["id"] for room in page["results"]] == [first["id"], second["id"]]
    assert page["results"][0] == alice.get(f"{URL}/{first['id']}").json()
    assert page["results"][0]["last_message"] == message
    assert page["results"][0]["me"]["unread"] == 1
    assert (page["next"], page["previous"]) == (None, None)


def test_it_pages_in_both_directions(alice: Person) -> None:
    rooms = [make_room(alice)["id"] for _ in range(5)][::-1]

    first = alice.get(URL, limit=2).json()
    second = alice.get(URL, limit=2, cursor=first["next"]).json()
    third = alice.get(URL, limit=2, cursor=second["next"]).json()
    back = alice.get(URL, limit=2, cursor=third["previous"]).json()

    pages = [[room["id"] for room in page["results"]] for page in (first, second, third, back)]
    assert pages == [rooms[:2], rooms[2:4], rooms[4:], rooms[2:4]]
    assert (first["previous"], third["next"]) == (None, None)


def test_a_room_that_i_left_is_gone_and_an_archived_one_stays(alice: Person, bob: Person) -> None:
    left, archived = make_room(alice, members=[bob]), make_room(alice, members=[bob])
    bob.post(f"{URL}/{left['id']}/leave")
    alice.delete(f"{URL}/{archived['id']}")

    rooms = bob.get(URL).json()["results"]

    assert [room["id"] for room in rooms] == [archived["id"]]
    assert rooms[0]["me"]["can"] == []


@pytest.mark.parametrize("count", [2, 12])
def test_the_queries_do_not_grow_with_the_rooms(alice: Person, bob: Person, count: int) -> None:
    for index in range(count):
        room = make_room(alice, members=[bob], history=["shared", "since_joined"][index % 2])
        say(bob, room, "hello")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = alice.get(URL).json()

    assert len(page["results"]) == count
    assert len(queries) == 5  # the session, the rooms with their heads, my memberships, unread, last messages


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ({"limit": 101}, {"limit": "max_value"}),
        ({"limit": 0}, {"limit": "min_value"}),
        ({"limit": "ten"}, {"limit": "invalid"}),
        ({"cursor": "forged"}, {"cursor": "invalid"}),
        ({"offset": 5}, {"offset": "unknown"}),
    ],
)
def test_a_bad_parameter_is_refused_by_name(alice: Person, query: dict[str, object], refused: dict[str, str]) -> None:
    response = alice.get(URL, **query)

    assert response.status_code == 400
    assert codes(response) == refused


def test_a_page_of_bounded_bytes_ends_early_and_says_so(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred rooms with the largest messages in them would be 2 MB."""
    monkeypatch.setattr("api.services.descriptions.ANSWER_BYTES", 20_000)
    rooms = [make_room(alice) for _ in range(7)]
    for room in rooms:
        say(alice, room, "x" * 7_000)
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


def test_a_page_holds_one_room_at_least(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.descriptions.ANSWER_BYTES", 1)
    rooms = [make_room(alice) for _ in range(2)]
    for room in rooms:
        say(alice, room, "x" * 7_000)

    first = alice.get(URL).json()
    second = alice.get(URL, cursor=first["next"]).json()

    assert [room["id"] for page in (first, second) for room in page["results"]] == [rooms[1]["id"], rooms[0]["id"]]
    assert second["next"] is None
