"""Limits of rooms: a user's own, those into which others add the user, and additions per hour."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from api.models import Member, Room
from api.services.members.limits import INVITES
from tests.api.stories import make_room, post_message, refusal
from tests.clients import Person, join_parley

LIMIT = (409, "room.limit")


@pytest.fixture
def one_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow one room of a user's own, and one into which others add the user."""
    monkeypatch.setattr("api.services.members.limits.MAX_ROOMS", 1)
    monkeypatch.setattr("api.services.members.limits.MAX_PLACED", 1)


@pytest.fixture
def limits_are_on(settings: Settings) -> Iterator[None]:
    settings.RATE_LIMITS = True
    INVITES.reset()
    yield
    INVITES.reset()


def add(actor: Person, room: Any, target: Person) -> Any:
    return actor.put(f"/v1/rooms/{room['id']}/members/{target.user.id}")


def create(person: Person, **body: Any) -> Any:
    return person.post("/v1/rooms", {"kind": "private", "name": "Tea", **body})


@pytest.mark.usefixtures("one_of_each")
class TestHowMany:
    def test_others_cannot_use_up_the_own_rooms_of_a_user(self, alice: Person, bob: Person, charlie: Person) -> None:
        make_room(alice, members=[bob])

        room = make_room(bob)

        assert refusal(create(bob)) == LIMIT
        assert bob.delete(f"/v1/rooms/{room['id']}").status_code == 204
        assert bob.post(f"/v1/rooms/{room['id']}/leave").status_code == 204
        assert bob.post(f"/v1/rooms/{make_room(charlie, kind='public')['id']}/join").status_code == 200

    def test_a_further_addition_is_an_invitation(self, alice: Person, bob: Person, charlie: Person) -> None:
        make_room(alice, members=[bob])
        room, dora = make_room(charlie), join_parley("dora")

        added, created = add(charlie, room, bob), create(dora, members=[charlie.user.id, bob.user.id])

        assert (added.status_code, created.json()["member_count"]) == (202, 2)
        assert len(bob.get("/v1/me/invites").json()["results"]) == 2

    def test_leaving_frees_a_place(self, alice: Person, bob: Person, charlie: Person) -> None:
        trap, room = make_room(alice, members=[bob]), make_room(charlie)
        alice.delete(f"/v1/rooms/{trap['id']}")
        assert add(charlie, room, bob).status_code == 202

        bob.post(f"/v1/rooms/{trap['id']}/leave")

        assert add(charlie, room, bob).status_code == 201

    def test_a_room_in_which_the_user_writes_counts_as_own(self, alice: Person, bob: Person, charlie: Person) -> None:
        room = make_room(alice, members=[bob])

        post_message(bob, room, "hello")

        assert refusal(create(bob)) == LIMIT
        assert add(charlie, make_room(charlie), bob).status_code == 201

    def test_a_room_that_the_user_joins_counts_as_own(self, alice: Person, bob: Person) -> None:
        room = make_room(alice, kind="public", members=[bob])

        assert bob.post(f"/v1/rooms/{room['id']}/join").status_code == 200

        assert refusal(create(bob)) == LIMIT

    def test_writing_is_never_rejected(self, alice: Person, bob: Person) -> None:
        room = make_room(alice, members=[bob])
        make_room(bob)

        post_message(bob, room, "hello")
        bob.post(f"/v1/rooms/{room['id']}/join")

        assert Member.objects.filter(user=bob.user, put_by_other=True).count() == 1

    def test_anybody_can_write_to_a_user_with_too_many_rooms(self, alice: Person, bob: Person) -> None:
        make_room(alice, members=[bob])
        make_room(bob)

        room = join_parley("charlie").put(f"/v1/rooms/direct/{bob.user.id}")

        assert room.status_code == 201
        post_message(bob, room.json(), "hello")

    def test_direct_rooms_that_the_user_opened_count(self, alice: Person, bob: Person, charlie: Person) -> None:
        alice.put(f"/v1/rooms/direct/{bob.user.id}")

        assert refusal(alice.put(f"/v1/rooms/direct/{charlie.user.id}")) == LIMIT
        assert refusal(create(alice)) == LIMIT

    def test_hiding_a_direct_room_frees_its_place(self, alice: Person, bob: Person) -> None:
        room = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()

        alice.patch(f"/v1/rooms/{room['id']}/me", {"hidden": True})

        assert create(alice).status_code == 201

    def test_a_shown_direct_room_counts_as_opened_by_the_other(
        self, alice: Person, bob: Person, charlie: Person
    ) -> None:
        direct, room = alice.put(f"/v1/rooms/direct/{bob.user.id}").json(), make_room(charlie)
        alice.patch(f"/v1/rooms/{direct['id']}/me", {"hidden": True})
        post_message(bob, direct, "hello")

        assert add(charlie, room, alice).status_code == 202
        assert create(alice).status_code == 201
        alice.patch(f"/v1/rooms/{direct['id']}/me", {"hidden": True})
        assert add(charlie, room, alice).status_code == 201

    def test_a_direct_room_opened_by_the_other_counts_from_its_first_message(
        self, alice: Person, bob: Person, charlie: Person
    ) -> None:
        direct, room = alice.put(f"/v1/rooms/direct/{bob.user.id}").json(), make_room(charlie)
        assert add(charlie, room, bob).status_code == 201
        bob.post(f"/v1/rooms/{room['id']}/leave")

        post_message(alice, direct, "hello")

        assert add(charlie, room, bob).status_code == 202


def test_the_statement_that_makes_a_room_own_runs_once(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    with CaptureQueriesContext(connection) as first:
        post_message(bob, room, "one")
    with CaptureQueriesContext(connection) as second:
        post_message(bob, room, "two")

    assert len(first) == len(second) + 1


@pytest.mark.usefixtures("limits_are_on")
class TestWhatItCosts:
    def test_a_hundred_additions_at_once_are_allowed(self, alice: Person, bob: Person) -> None:
        crowd = [join_parley(f"guest-{number}").user.id for number in range(99)]
        assert create(alice, members=crowd).status_code == 201
        room = make_room(alice)

        last, one_more = add(alice, room, bob), add(alice, room, join_parley("guest-99"))

        assert last.status_code == 201
        assert refusal(one_more) == (429, "limit.invite")
        retry_after_ms = one_more.json()["retry_after_ms"]
        assert 0 < retry_after_ms <= 180_000  # twenty an hour
        assert one_more["Retry-After"] == str(math.ceil(retry_after_ms / 1000))
        assert Room.objects.get(pk=room["id"]).member_count == 2

    def test_all_ways_of_adding_share_the_limit(self, alice: Person, bob: Person, charlie: Person) -> None:
        room = make_room(alice)
        INVITES.take(str(alice.user.id), 98)

        statuses = [
            alice.put(f"/v1/rooms/direct/{bob.user.id}").status_code,
            create(alice, members=[bob.user.id]).status_code,
        ]

        assert statuses == [201, 201]
        for response in (
            alice.put(f"/v1/rooms/direct/{charlie.user.id}"),
            create(alice, members=[bob.user.id]),
            add(alice, room, bob),
        ):
            assert refusal(response) == (429, "limit.invite")
        assert bob.put(f"/v1/rooms/direct/{charlie.user.id}").status_code == 201

    def test_an_addition_without_effect_does_not_count(self, alice: Person, bob: Person, charlie: Person) -> None:
        body = {"members": [bob.user.id], "client_id": "one"}
        room = create(alice, **body).json()
        alice.put(f"/v1/rooms/direct/{bob.user.id}")
        INVITES.take(str(alice.user.id), 98)

        answers = [
            create(alice, **body),
            alice.put(f"/v1/rooms/direct/{bob.user.id}"),
            add(alice, room, bob),
            alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "admin"}),
            create(alice),
        ]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 201]

    def test_a_rejected_addition_does_not_count(self, alice: Person, bob: Person) -> None:
        make_room(alice, kind="public", slug="tea")
        INVITES.take(str(alice.user.id), 99)

        response = create(alice, kind="public", slug="tea", members=[bob.user.id])

        assert refusal(response) == (409, "room.slug_taken")
        assert create(alice, members=[bob.user.id]).status_code == 201

    def test_a_rejected_room_leaves_no_rows(self, alice: Person, bob: Person) -> None:
        INVITES.take(str(alice.user.id), 100)

        assert refusal(create(alice, members=[bob.user.id])) == (429, "limit.invite")
        assert not Room.objects.exists()
