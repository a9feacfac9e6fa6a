"""POST /v1/rooms/{id}/join"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from api.models import MembershipPeriod, Room
from api.services.rooms import ensure_lobby
from tests.api.stories import events_of, inbox_of, make_room, refusal, types_of
from tests.clients import PASSWORD, Person, codes, join_parley
from tests.threads import closing_connections


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public")

    response = bob.post(f"/v1/rooms/{room['id']}/join")

    joined = response.json()
    event, inbox_event = events_of(room)[-1], inbox_of(bob)[-1]
    assert response.status_code == 200
    assert (joined["member_count"], joined["head"]) == (2, 2)
    assert joined["me"] | {"can": []} == {
        "state": "joined",
        "role": "member",
        "can": [],
        "read_seq": 2,
        "unread": 0,
        "unread_capped": False,
        "unread_mentions": 0,
        "unread_threads": 0,
        "notify": "all",
        "snoozed_until": None,
        "pinned": False,
        "hidden": False,
        "muted_until": None,
    }
    assert (event["type"], event["seq"], event["actor_id"]) == ("member.joined", 2, str(bob.user.id))
    assert event["data"] == {
        "room_id": room["id"],
        "user": bob.get(f"/v1/users/{bob.user.id}").json(),
        "role": "member",
        "state": "joined",
        "joined_at": event["at"],
        "read_seq": 2,
        "delivered_seq": 0,
    }
    assert (inbox_event["type"], inbox_event["data"]["seq"]) == ("room.added", 2)


def test_joining_again_changes_nothing(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public", members=[bob])
    direct = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()

    assert bob.post(f"/v1/rooms/{room['id']}/join").json() == bob.get(f"/v1/rooms/{room['id']}").json()
    assert alice.post(f"/v1/rooms/{direct['id']}/join").status_code == 200
    assert types_of(room) == types_of(direct) == ["room.created"]


def test_a_second_membership_starts_again(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public", members=[bob])
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "admin"})
    bob.post(f"/v1/rooms/{room['id']}/leave")

    joined = bob.post(f"/v1/rooms/{room['id']}/join").json()

    assert (joined["me"]["role"], joined["me"]["read_seq"], joined["member_count"]) == ("member", 4, 2)
    periods = MembershipPeriod.objects.filter(room=room["id"], user=bob.user).order_by("joined_seq")
    assert list(periods.values_list("joined_seq", "left_seq")) == [(1, 3), (4, None)]
    assert [event["type"] for event in inbox_of(bob)] == ["room.added", "room.removed", "room.added"]


def test_the_first_to_join_a_room_without_owner_owns_it(alice: Person, bob: Person) -> None:
    ensure_lobby()
    ensure_lobby()
    lobby = alice.get("/v1/rooms/directory", q="lobby").json()["results"][0]

    roles = [who.post(f"/v1/rooms/{lobby['id']}/join").json()["me"]["role"] for who in (alice, bob)]

    assert roles == ["owner", "member"]
    assert types_of(lobby) == ["room.created", "member.joined", "member.joined"]


def test_private_rooms_are_not_joined(alice: Person, charlie: Person) -> None:
    room = make_room(alice)

    assert refusal(charlie.post(f"/v1/rooms/{room['id']}/join")) == (404, "not_found")
    assert types_of(room) == ["room.created"]


def test_the_room_limit_is_enforced(alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    room = make_room(alice, kind="public")
    monkeypatch.setattr("api.services.members.limits.MAX_ROOMS", 1)
    make_room(bob)

    assert refusal(bob.post(f"/v1/rooms/{room['id']}/join")) == (409, "room.limit")


def test_the_body_must_be_empty(alice: Person) -> None:
    room = make_room(alice, kind="public")

    assert codes(alice.post(f"/v1/rooms/{room['id']}/join", {"as": "owner"})) == {"as": "unknown"}


def test_a_deleted_account_cannot_join(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public")
    bob.delete("/v1/me", {"password": PASSWORD})

    assert refusal(bob.post(f"/v1/rooms/{room['id']}/join")) == (401, "auth.invalid_token")
    assert types_of(room) == ["room.created"]


@pytest.mark.django_db(transaction=True)
def test_parallel_joins_are_each_recorded_once_and_in_order(alice: Person) -> None:
    ensure_lobby()
    lobby = Room.objects.get(slug="lobby")
    crowd = [join_parley(f"guest-{number}") for number in range(8)]

    def join(index: int) -> int:
        guest = crowd[index % 8]
        return int(Person(guest.token, guest.session).post(f"/v1/rooms/{lobby.id}/join").status_code)

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(closing_connections(join), range(24)))

    lobby.refresh_from_db()
    events = events_of({"id": lobby.id})
    assert set(statuses) == {200}
    assert [event["seq"] for event in events] == list(range(1, 10))
    assert sorted(event["data"]["role"] for event in events[1:]) == ["member"] * 7 + ["owner"]
    assert lobby.member_count == 8
