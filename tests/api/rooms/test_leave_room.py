"""POST /v1/rooms/{id}/leave"""

import pytest

from api.services.rooms import ensure_lobby
from tests.api.stories import events_of, inbox_of, make_room, refusal, types_of
from tests.clients import Person


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    response = bob.post(f"/v1/rooms/{room['id']}/leave")

    event, inbox_event = events_of(room)[-1], inbox_of(bob)[-1]
    assert (response.status_code, response.content) == (204, b"")
    assert (event["type"], event["seq"], event["actor_id"]) == ("member.left", 2, str(bob.user.id))
    assert (event["data"]["user"]["id"], event["data"]["state"]) == (str(bob.user.id), "left")
    assert (inbox_event["type"], inbox_event["data"]["seq"], inbox_event["data"]["reason"]) == (
        "room.removed",
        2,
        "left",
    )
    assert inbox_event["data"]["id"] == room["id"]
    assert alice.get(f"/v1/rooms/{room['id']}").json()["member_count"] == 1
    assert len(inbox_of(alice)) == 1


@pytest.mark.parametrize(("kind", "answer"), [("private", (404, "not_found")), ("public", (403, "room.not_member"))])
def test_leaving_again_is_rejected(alice: Person, bob: Person, kind: str, answer: tuple[int, str]) -> None:
    room = make_room(alice, kind=kind, members=[bob])
    bob.post(f"/v1/rooms/{room['id']}/leave")

    assert refusal(bob.post(f"/v1/rooms/{room['id']}/leave")) == answer
    assert types_of(room) == ["room.created", "member.left"]


def test_a_last_owner_cannot_leave_other_members(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    url = f"/v1/rooms/{room['id']}"

    assert refusal(alice.post(f"{url}/leave")) == (409, "room.last_owner")
    assert refusal(alice.delete(f"{url}/members/{alice.user.id}")) == (409, "room.last_owner")
    assert types_of(room) == ["room.created"]

    alice.put(f"{url}/members/{bob.user.id}", {"role": "owner"})
    assert alice.post(f"{url}/leave").status_code == 204


def test_the_last_member_who_leaves_archives_the_room(alice: Person) -> None:
    room = make_room(alice, kind="public")

    response = alice.post(f"/v1/rooms/{room['id']}/leave")

    assert response.status_code == 204
    assert types_of(room) == ["room.created", "member.left", "room.archived"]
    assert inbox_of(alice)[-1]["data"]["archived_at"] is not None
    assert inbox_of(alice)[-1]["data"]["seq"] == 2
    assert alice.get(f"/v1/rooms/{room['id']}").json()["archived_at"] is not None


def test_the_empty_lobby_is_open_without_owner(alice: Person, bob: Person) -> None:
    ensure_lobby()
    lobby = alice.get("/v1/rooms/directory", q="lobby").json()["results"][0]
    alice.post(f"/v1/rooms/{lobby['id']}/join")

    alice.post(f"/v1/rooms/{lobby['id']}/leave")

    assert bob.post(f"/v1/rooms/{lobby['id']}/join").json()["me"]["role"] == "owner"


@pytest.mark.parametrize("kind", ["public", "private"])
def test_every_member_can_leave_an_archived_room(alice: Person, bob: Person, kind: str) -> None:
    room = make_room(alice, kind=kind, members=[bob])
    url = f"/v1/rooms/{room['id']}"
    alice.delete(url)

    statuses = [who.post(f"{url}/leave").status_code for who in (bob, alice)]

    assert statuses == [204, 204]
    assert types_of(room) == ["room.created", "room.archived", "member.left", "member.left"]
    assert [inbox_of(who)[-1]["type"] for who in (alice, bob)] == ["room.removed"] * 2
    assert alice.get("/v1/rooms", archived="true").json()["results"] == []


def test_removing_oneself_is_leaving(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    alice.delete(f"/v1/rooms/{room['id']}")

    response = bob.delete(f"/v1/rooms/{room['id']}/members/{bob.user.id}")

    assert response.status_code == 204
    assert types_of(room)[-1] == "member.left"


def test_the_next_member_owns_an_archived_room_that_its_owner_leaves(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    alice.delete(f"/v1/rooms/{room['id']}")

    response = alice.post(f"/v1/rooms/{room['id']}/leave")

    assert response.status_code == 204
    assert types_of(room)[-2:] == ["member.role_changed", "member.left"]
    assert bob.post(f"/v1/rooms/{room['id']}/unarchive").json()["me"]["role"] == "owner"


def test_an_outsider_cannot(alice: Person, charlie: Person) -> None:
    private, public = make_room(alice), make_room(alice, kind="public")

    assert refusal(charlie.post(f"/v1/rooms/{private['id']}/leave")) == (404, "not_found")
    assert refusal(charlie.post(f"/v1/rooms/{public['id']}/leave")) == (403, "room.not_member")
