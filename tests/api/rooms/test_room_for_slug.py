"""The room of the one-room socket: found or created by its slug, and joined."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from api.models import Room
from api.services.rooms import room_for_slug
from tests.api.stories import events_of, make_room, types_of
from tests.clients import Person, join_parley
from tests.threads import closing_connections
from wire.problems import Problem


def test_it_works(alice: Person, bob: Person) -> None:
    made = room_for_slug(session=alice.session, slug="Tea")
    joined = room_for_slug(session=bob.session, slug="tea")
    again = room_for_slug(session=bob.session, slug="tea")

    assert (made["kind"], made["slug"], made["name"], made["me"]["role"]) == ("public", "tea", "tea", "owner")
    assert (joined["id"], joined["me"]["role"], joined["me"]["state"]) == (made["id"], "member", "joined")
    assert again == joined
    assert types_of(made) == ["room.created", "member.joined"]


@pytest.mark.parametrize("slug", ["", "a b", "a/b", "x" * 65, "."])
def test_an_invalid_slug_is_rejected(alice: Person, slug: str) -> None:
    with pytest.raises(Problem) as refused:
        room_for_slug(session=alice.session, slug=slug)

    assert refused.value.code == "request.invalid"
    assert not Room.objects.exists()


def test_the_slug_of_an_archived_room_creates_another_room(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public", slug="tea")
    alice.delete(f"/v1/rooms/{room['id']}")

    made = room_for_slug(session=bob.session, slug="tea")

    assert (made["slug"], made["me"]["role"], made["id"] == room["id"]) == ("tea", "owner", False)
    assert room_for_slug(session=alice.session, slug="tea")["id"] == made["id"]


def test_the_slug_of_an_abandoned_room_creates_another_room(alice: Person) -> None:
    room = room_for_slug(session=alice.session, slug="tea")
    alice.post(f"/v1/rooms/{room['id']}/leave")

    again = room_for_slug(session=alice.session, slug="tea")

    assert (again["slug"], again["archived_at"], again["id"] == room["id"]) == ("tea", None, False)


@pytest.mark.django_db(transaction=True)
def test_parallel_requests_for_a_slug_create_one_room() -> None:
    crowd = [join_parley(f"guest-{number}") for number in range(8)]

    def enter(guest: Person) -> str:
        return str(room_for_slug(session=guest.session, slug="tea")["id"])

    with ThreadPoolExecutor(8) as threads:
        rooms = list(threads.map(closing_connections(enter), crowd))

    events = events_of({"id": rooms[0]})
    assert len(set(rooms)) == 1
    assert [event["seq"] for event in events] == list(range(1, 9))
    assert Room.objects.get().member_count == 8


@pytest.mark.django_db(transaction=True)
def test_parallel_creations_with_one_slug_make_one_room() -> None:
    crowd = [join_parley(f"guest-{number}") for number in range(8)]

    def make(guest: Person) -> tuple[int, str]:
        body = {"kind": "public", "name": "Tea", "slug": "tea"}
        response = Person(guest.token, guest.session).post("/v1/rooms", body)
        return response.status_code, response.json().get("code", "")

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(closing_connections(make), crowd))

    assert sorted(answers) == [(201, ""), *[(409, "room.slug_taken")] * 7]
    assert Room.objects.count() == 1
