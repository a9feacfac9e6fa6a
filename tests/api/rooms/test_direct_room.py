"""PUT /v1/rooms/direct/{user_id}"""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from api.models import Room
from tests.api.stories import ROOM_KEYS, events_of, inbox_of, make_room, post_message, refusal, types_of
from tests.clients import PASSWORD, Person, codes
from tests.threads import closing_connections

URL = "/v1/rooms/direct"


def test_it_works(alice: Person, bob: Person) -> None:
    response = alice.put(f"{URL}/{bob.user.id}")

    room = response.json()
    assert response.status_code == 201
    assert set(room) == ROOM_KEYS
    assert (room["kind"], room["name"], room["slug"], room["history"]) == ("direct", None, None, "shared")
    assert (room["member_count"], room["me"]["role"], room["me"]["can"]) == (
        2,
        "member",
        ["send", "react", "pin", "mention_room"],
    )
    assert [member["role"] for member in events_of(room)[0]["data"]["members"]] == ["member", "member"]
    assert [event["type"] for event in inbox_of(bob)] == ["room.added"]


def test_both_users_always_get_the_same_room(alice: Person, bob: Person) -> None:
    room = alice.put(f"{URL}/{bob.user.id}").json()

    again, other_way = alice.put(f"{URL}/{bob.user.id}", {}), bob.put(f"{URL}/{alice.user.id}")

    assert (again.status_code, other_way.status_code) == (200, 200)
    assert again.json() == room
    assert other_way.json()["id"] == room["id"]
    assert types_of(room) == ["room.created"]


def test_a_direct_room_with_oneself_is_rejected(alice: Person) -> None:
    response = alice.put(f"{URL}/{alice.user.id}")

    assert response.status_code == 400
    assert codes(response) == {"user_id": "self"}


@pytest.mark.parametrize("user_id", [str(uuid4()), "bob"])
def test_a_direct_room_with_an_unknown_user_is_rejected(alice: Person, user_id: str) -> None:
    assert refusal(alice.put(f"{URL}/{user_id}")) == (404, "not_found")
    assert not Room.objects.exists()


def test_a_direct_room_outlives_one_of_its_accounts(alice: Person, bob: Person, charlie: Person) -> None:
    room = alice.put(f"{URL}/{bob.user.id}").json()
    bob.delete("/v1/me", {"password": PASSWORD})

    assert alice.put(f"{URL}/{bob.user.id}").json()["id"] == room["id"]
    assert refusal(charlie.put(f"{URL}/{bob.user.id}")) == (404, "not_found")


def test_the_room_limit_is_enforced(alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.members.limits.MAX_ROOMS", 1)
    make_room(bob)

    assert refusal(bob.put(f"{URL}/{alice.user.id}")) == (409, "room.limit")
    assert alice.put(f"{URL}/{bob.user.id}").status_code == 201


def test_the_other_user_lists_a_direct_room_from_its_first_message(alice: Person, bob: Person) -> None:
    room = alice.put(f"{URL}/{bob.user.id}").json()

    def lists() -> list[list[str]]:
        return [[found["id"] for found in who.get("/v1/rooms").json()["results"]] for who in (alice, bob)]

    assert lists() == [[room["id"]], []]
    assert bob.get("/v1/rooms", hidden="true").json()["results"] == []
    assert (room["me"]["hidden"], bob.put(f"{URL}/{alice.user.id}").json()["me"]["hidden"]) == (False, True)

    post_message(alice, room, "hello")

    assert lists() == [[room["id"]], [room["id"]]]
    assert bob.get(f"/v1/rooms/{room['id']}").json()["me"]["hidden"] is False


def test_the_other_user_can_show_a_direct_room_before_its_first_message(alice: Person, bob: Person) -> None:
    room = alice.put(f"{URL}/{bob.user.id}").json()

    bob.patch(f"/v1/rooms/{room['id']}/me", {"hidden": False})

    assert [found["id"] for found in bob.get("/v1/rooms").json()["results"]] == [room["id"]]
    as_before = {"notify": "all", "snoozed_until": None, "pinned": False}
    assert inbox_of(bob)[-1]["data"] == {"room_id": room["id"], **as_before, "hidden": False, "head": 1}


def test_the_members_of_a_direct_room_are_fixed(alice: Person, bob: Person, charlie: Person) -> None:
    room = alice.put(f"{URL}/{bob.user.id}").json()
    url = f"/v1/rooms/{room['id']}"

    for response in (
        alice.put(f"{url}/members/{charlie.user.id}"),
        alice.put(f"{url}/members/{bob.user.id}", {"role": "owner"}),
        alice.delete(f"{url}/members/{bob.user.id}"),
        alice.delete(f"{url}/members/{alice.user.id}"),
        alice.post(f"{url}/leave"),
    ):
        assert refusal(response) == (403, "room.direct")
    assert types_of(room) == ["room.created"]


@pytest.mark.django_db(transaction=True)
def test_fifty_parallel_calls_make_one_room(alice: Person, bob: Person) -> None:
    def open_room(index: int) -> tuple[int, str]:
        caller, other = (alice, bob) if index % 2 else (bob, alice)
        response = Person(caller.token, caller.session).put(f"{URL}/{other.user.id}")
        return response.status_code, response.json()["id"]

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(closing_connections(open_room), range(50)))

    assert len({room_id for _, room_id in answers}) == 1
    assert sorted(status for status, _ in answers) == [200] * 49 + [201]
    assert Room.objects.count() == 1
    assert [len(inbox_of(person)) for person in (alice, bob)] == [1, 1]
