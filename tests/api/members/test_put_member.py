"""PUT /v1/rooms/{id}/members/{user_id}"""

from typing import Any
from uuid import uuid4

import pytest

from api.services import receipts
from tests.api.stories import events_of, inbox_of, make_room, refusal, types_of
from tests.clients import PASSWORD, Person, codes


def put(actor: Person, room: Any, target: Person, **body: object) -> Any:
    return actor.put(f"/v1/rooms/{room['id']}/members/{target.user.id}", body)


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice)

    response = alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}")

    event, inbox_event = events_of(room)[-1], inbox_of(bob)[-1]
    assert response.status_code == 201
    assert response.json() == event["data"]
    assert (response.json()["role"], response.json()["state"], response.json()["read_seq"]) == ("member", "joined", 2)
    assert (event["type"], event["seq"], event["actor_id"]) == ("member.joined", 2, str(alice.user.id))
    assert (inbox_event["type"], inbox_event["data"]["seq"], inbox_event["actor_id"]) == (
        "room.added",
        2,
        str(alice.user.id),
    )
    assert bob.get(f"/v1/rooms/{room['id']}").json()["member_count"] == 2


@pytest.mark.parametrize("settings", [{}, {"share_read": False}])
def test_a_repeated_request_has_the_same_answer(alice: Person, bob: Person, settings: dict[str, bool]) -> None:
    bob.patch("/v1/me", {"settings": settings})
    room = make_room(alice)

    added, repeated = put(alice, room, bob), put(alice, room, bob)

    assert (added.status_code, repeated.status_code) == (201, 200)
    assert added.json() == repeated.json()
    assert added.json()["delivered_seq"] == (None if settings else 0)


def test_the_markers_of_a_member_are_those_of_the_return(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    bob.post("/v1/ack", {"rooms": {room["id"]: 1}})
    receipts.write_markers()
    bob.post(f"/v1/rooms/{room['id']}/leave")

    added = put(alice, room, bob).json()

    assert (added["read_seq"], added["delivered_seq"]) == (3, 1)


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_an_owner_can_change_roles(alice: Person, bob: Person, charlie: Person, role: str) -> None:
    room = make_room(alice, members=[bob])

    changed, added = put(alice, room, bob, role=role), put(alice, room, charlie, role=role)

    assert (changed.status_code, changed.json()["role"]) == (200, role)
    assert (added.status_code, added.json()["role"]) == (201, role)
    assert types_of(room) == ["room.created", "member.role_changed", "member.joined"]
    assert events_of(room)[1]["data"] == changed.json()
    assert bob.get(f"/v1/rooms/{room['id']}").json()["me"]["role"] == role


@pytest.mark.parametrize("body", [{}, {"role": "member"}])
def test_no_event_without_a_change(alice: Person, bob: Person, body: dict[str, str]) -> None:
    room = make_room(alice, members=[bob])

    response = put(alice, room, bob, **body)

    assert (response.status_code, response.json()["role"]) == (200, "member")
    assert types_of(room) == ["room.created"]
    assert len(inbox_of(bob)) == 1


def test_an_admin_can_add_members_and_not_change_roles(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob])
    put(alice, room, bob, role="admin")

    for response in (
        put(bob, room, charlie, role="admin"),
        put(bob, room, alice, role="member"),
        put(bob, room, bob, role="owner"),
    ):
        assert refusal(response) == (403, "room.role_required")
    assert put(bob, room, charlie, role="member").status_code == 201
    assert put(bob, room, charlie).status_code == 200
    assert refusal(put(bob, room, charlie, role="admin")) == (403, "room.role_required")


def test_a_member_cannot_add_anybody(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob])

    assert refusal(put(bob, room, charlie)) == (403, "room.role_required")
    assert refusal(put(bob, room, bob, role="owner")) == (403, "room.role_required")
    assert types_of(room) == ["room.created"]
    assert inbox_of(charlie) == []


def test_the_last_owner_cannot_lose_the_role(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    assert refusal(put(alice, room, alice, role="admin")) == (409, "room.last_owner")

    put(alice, room, bob, role="owner")
    assert put(alice, room, alice, role="member").json()["role"] == "member"
    assert refusal(put(bob, room, bob, role="member")) == (409, "room.last_owner")


def test_a_removed_member_returns_as_a_plain_member(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    put(alice, room, bob, role="admin")
    alice.delete(f"/v1/rooms/{room['id']}/members/{bob.user.id}")

    response = put(alice, room, bob)

    assert (response.status_code, response.json()["role"], response.json()["read_seq"]) == (201, "member", 4)


def test_an_unknown_user_is_not_added(alice: Person, bob: Person) -> None:
    room = make_room(alice)
    bob.delete("/v1/me", {"password": PASSWORD})

    assert refusal(put(alice, room, bob)) == (404, "not_found")
    for user_id in (uuid4(), room["id"], "bob"):
        assert refusal(alice.put(f"/v1/rooms/{room['id']}/members/{user_id}")) == (404, "not_found")
    assert types_of(room) == ["room.created"]


def test_a_user_in_too_many_rooms_is_invited(alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = [make_room(alice) for _ in range(2)]
    make_room(bob)
    monkeypatch.setattr("api.services.members.limits.MAX_PLACED", 1)

    assert put(alice, rooms[0], bob).status_code == 201
    answers = [put(alice, rooms[1], bob) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["user"]["id"] == str(bob.user.id)
    assert put(alice, rooms[0], bob).status_code == 200
    assert types_of(rooms[1]) == ["room.created", "invite.created"]


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"role": "king"}, {"role": "invalid_choice"}),
        ({"role": 1}, {"role": "type"}),
        ({"name": "bob"}, {"name": "unknown"}),
    ],
)
def test_an_invalid_field_is_rejected_by_name(
    alice: Person, bob: Person, body: dict[str, object], refused: dict[str, str]
) -> None:
    room = make_room(alice)

    response = put(alice, room, bob, **body)

    assert response.status_code == 400
    assert codes(response) == refused


def test_an_outsider_cannot(alice: Person, bob: Person, charlie: Person) -> None:
    private, public = make_room(alice), make_room(alice, kind="public")

    for target in (charlie, bob, alice):
        assert refusal(put(charlie, private, target)) == (404, "not_found")
        assert refusal(put(charlie, public, target)) == (403, "room.not_member")
    assert types_of(private) == types_of(public) == ["room.created"]
