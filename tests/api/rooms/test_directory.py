"""GET /v1/rooms/directory"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from api.models import Room
from eventlog.models import StreamHead
from tests.api.stories import OUTSIDE, make_room, post_message
from tests.clients import Person, codes
from tests.plans import ON_SQLITE, plan_of

URL = "/v1/rooms/directory"
SORTS = ("name", "activity", "members")


def test_it_works(alice: Person, charlie: Person) -> None:
    tea = make_room(alice, kind="public", name="Tea", slug="tea")
    croquet = make_room(alice, kind="public", name="Croquet")
    make_room(alice, name="Secret tea")
    post_message(alice, tea, "not for charlie")

    page = charlie.get(URL).json()

    assert [room["id"] for room in page["results"]] == [croquet["id"], tea["id"]]
    assert page["results"][1]["me"] == OUTSIDE
    assert page["results"][1]["last_message"] is None
    assert alice.get(URL).json()["results"][1]["me"]["role"] == "owner"


@pytest.mark.parametrize(
    ("q", "found"),
    [
        *[("te", ["Tea"]), ("GREEN", ["Tea"]), ("", ["Croquet", "Tea"]), (" ", ["Croquet", "Tea"])],
        *[("ea", ["Tea"]), ("n-t", ["Tea"]), ("tea gre", ["Tea"]), ("tea croquet", []), ("%", []), ("_", [])],
    ],
)
def test_the_search_finds_names_and_slugs(alice: Person, q: str, found: list[str]) -> None:
    make_room(alice, kind="public", name="Tea", slug="green-tea")
    make_room(alice, kind="public", name="Croquet")

    rooms = alice.get(URL, q=q).json()["results"]

    assert [room["name"] for room in rooms] == found


def test_a_room_that_is_renamed_between_two_pages_comes_last(alice: Person) -> None:
    rooms = [make_room(alice, kind="public", name=f"Room {number}") for number in range(6)]
    first = alice.get(URL, limit=3).json()
    alice.patch(f"/v1/rooms/{rooms[5]['id']}", {"name": "Adventures"})
    alice.patch(f"/v1/rooms/{rooms[4]['id']}", {"topic": "Nothing moves by this"})

    second = alice.get(URL, limit=3, cursor=first["next"]).json()

    names = [[room["name"] for room in page["results"]] for page in (first, second)]
    assert names == [["Room 0", "Room 1", "Room 2"], ["Room 3", "Room 4", "Adventures"]]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("\u00c9cole de musique", "\u00c9cole"),
        ("\u00c9cole de musique", "\u00e9cole"),
        ("\u00c9cole de musique", "e\u0301COLE"),
        ("\u00c9cole de musique", "MUSIQUE"),
        ("\u041f\u0420\u0418\u0412\u0415\u0422", "\u043f\u0440\u0438\u0432\u0435\u0442"),
        ("\uff34\uff45\uff41", "tea"),
    ],
)
def test_a_name_is_found_in_any_case_and_form(alice: Person, name: str, q: str) -> None:
    make_room(alice, kind="public", name="Croquet")
    room = make_room(alice, kind="public", name=name)

    assert [found["id"] for found in alice.get(URL, q=q).json()["results"]] == [room["id"]]


def test_a_new_name_is_found_and_the_old_one_no_longer(alice: Person) -> None:
    room = make_room(alice, kind="public", name="Tea", slug="tea")

    alice.patch(f"/v1/rooms/{room['id']}", {"name": "Coffee", "slug": None})

    assert alice.get(URL, q="tea").json()["results"] == []
    assert len(alice.get(URL, q="coffee").json()["results"]) == 1


@ON_SQLITE
def test_a_search_without_a_match_reads_the_index_only(alice: Person) -> None:
    with CaptureQueriesContext(connection) as queries:
        alice.get(URL, q="nothing")

    plan = plan_of(queries.captured_queries[-1]["sql"])
    assert "rooms_by_name_part" in plan
    assert "SCAN api_room" not in plan


def test_the_directory_has_no_archived_rooms(alice: Person) -> None:
    room = make_room(alice, kind="public")
    alice.delete(f"/v1/rooms/{room['id']}")

    assert alice.get(URL).json()["results"] == []


@pytest.mark.parametrize("count", [2, 12])
def test_the_queries_do_not_grow_with_the_rooms(
    alice: Person, charlie: Person, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        make_room(alice, kind="public")

    # The session, the rooms with their heads, my memberships, and my invitations and bans.
    with django_assert_num_queries(4):
        page = charlie.get(URL, limit=10).json()

    assert len(page["results"]) == min(count, 10)


def test_an_invalid_parameter_is_rejected_by_name(alice: Person) -> None:
    response = alice.get(URL, kind="private")

    assert response.status_code == 400
    assert codes(response) == {"kind": "unknown"}


def test_it_can_be_sorted(alice: Person, bob: Person, charlie: Person) -> None:
    busy = make_room(alice, kind="public", name="Busy")
    make_room(alice, kind="public", name="Large", members=[bob, charlie])
    make_room(alice, kind="public", name="Alone")
    post_message(alice, busy, "hello")

    by = {sort: [room["name"] for room in bob.get(URL, sort=sort).json()["results"]] for sort in SORTS}

    assert by == {
        "name": ["Alone", "Busy", "Large"],
        "activity": ["Busy", "Alone", "Large"],
        "members": ["Large", "Alone", "Busy"],
    }
    assert bob.get(URL).json()["results"] == bob.get(URL, sort="name").json()["results"]
    assert bob.get(URL, sort="age").status_code == 400


@pytest.mark.parametrize("sort", ["activity", "members"])
def test_a_room_that_moves_while_a_client_pages_is_not_missed(alice: Person, bob: Person, sort: str) -> None:
    rooms = [make_room(alice, kind="public", name=f"Room {number}") for number in range(4)]
    StreamHead.objects.update(last_at=timezone.now() - timedelta(hours=1))
    Room.objects.update(created_at=timezone.now() - timedelta(hours=1))
    page = bob.get(URL, sort=sort, limit=2).json()
    seen = {room["id"] for room in page["results"]}
    last = next(room for room in rooms if room["id"] not in seen)
    bob.post(f"/v1/rooms/{last['id']}/join")
    post_message(bob, last, "hello")

    while page["next"]:
        page = bob.get(URL, sort=sort, limit=2, cursor=page["next"]).json()
        seen |= {room["id"] for room in page["results"]}

    assert seen == {room["id"] for room in rooms}


def test_a_cursor_belongs_to_its_order(alice: Person) -> None:
    for _ in range(2):
        make_room(alice, kind="public")
    cursor = alice.get(URL, limit=1).json()["next"]

    assert alice.get(URL, limit=1, sort="members", cursor=cursor).status_code == 400


def test_it_shows_invitations_and_bans(alice: Person, bob: Person) -> None:
    invited, banned, other = (make_room(alice, kind="public", name=name) for name in ("A", "B", "C"))
    alice.put(f"/v1/rooms/{invited['id']}/invites/{bob.user.id}")
    alice.put(f"/v1/rooms/{banned['id']}/bans/{bob.user.id}")

    rooms = bob.get(URL).json()["results"]

    assert [room["id"] for room in rooms] == [invited["id"], banned["id"], other["id"]]
    assert [room["me"]["state"] for room in rooms] == ["invited", "banned", None]
