"""Invitations: PUT, DELETE and GET rooms/{id}/invites, GET me/invites, and joining and declining."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from api.models import Invite
from api.services.members.limits import INVITES
from tests.api.stories import OUTSIDE, events_of, inbox_of, make_room, refusal, types_of
from tests.clients import Person, join_parley


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob])


def invite(actor: Person, room: Any, target: Person) -> Any:
    return actor.put(f"/v1/rooms/{room['id']}/invites/{target.user.id}")


def author(person: Person) -> dict[str, Any]:
    shown = ("id", "username", "display_name", "avatar_url")
    me = person.get("/v1/me").json()
    return {name: me[name] for name in shown} | {"kind": "person"}


def test_it_works(alice: Person, charlie: Person, room: Any) -> None:
    response = invite(alice, room, charlie)

    assert response.status_code == 200
    shown = response.json()
    assert shown == {
        "room_id": room["id"],
        "user": author(charlie),
        "invited_by": author(alice),
        "created_at": shown["created_at"],
    }
    event = events_of(room)[-1]
    assert (event["type"], event["actor_id"]) == ("invite.created", str(alice.user.id))
    assert event["data"] == {"user": author(charlie), "invited_by": author(alice)}
    [told] = inbox_of(charlie)
    assert (told["type"], told["room_id"]) == ("room.invited", None)
    assert {name: value for name, value in told["data"].items() if name != "room"} == shown
    assert (told["data"]["room"]["id"], told["data"]["room"]["name"]) == (room["id"], "Tea")
    assert alice.get(f"/v1/rooms/{room['id']}/invites").json()["results"] == [shown]


def test_an_invited_user_sees_the_room_from_outside(alice: Person, charlie: Person, room: Any) -> None:
    invite(alice, room, charlie)
    url = f"/v1/rooms/{room['id']}"

    seen = charlie.get(url)

    assert seen.status_code == 200
    assert (seen.json()["me"], seen.json()["last_message"]) == (OUTSIDE | {"state": "invited"}, None)
    for path in ("members", "messages", "events", "invites", "bans", "mutes"):
        assert refusal(charlie.get(f"{url}/{path}")) == (403, "room.not_member")
    body = {"client_id": "one", "text": "hello"}
    assert refusal(charlie.post(f"{url}/messages", body)) == (403, "room.not_member")
    assert charlie.get("/v1/rooms").json()["results"] == []
    assert charlie.post("/v1/sync", {}).json()["rooms"] == []


def test_my_invitations_have_their_rooms(
    alice: Person, charlie: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rooms = [make_room(alice, name=name) for name in ("Tea", "Hats", "Cards")]
    for each in rooms:
        invite(alice, each, charlie)

    with django_assert_num_queries(5):  # the session, invitations, rooms with heads, memberships, states
        page = charlie.get("/v1/me/invites").json()

    assert [entry["room"]["id"] for entry in page["results"]] == [each["id"] for each in rooms]
    assert {name for entry in page["results"] for name in entry} == {"room", "invited_by", "created_at"}
    assert page["results"][0]["invited_by"] == author(alice)
    assert page["results"][0]["room"] == charlie.get(f"/v1/rooms/{rooms[0]['id']}").json()


def test_joining_accepts_it(alice: Person, charlie: Person, room: Any) -> None:
    invite(alice, room, charlie)

    response = charlie.post(f"/v1/rooms/{room['id']}/join")

    assert (response.status_code, response.json()["me"]["state"]) == (200, "joined")
    assert response.json()["me"]["role"] == "member"
    assert types_of(room) == ["room.created", "invite.created", "invite.ended", "member.joined"]
    assert events_of(room)[2]["data"] == {"user": author(charlie), "reason": "accepted"}
    assert [event["type"] for event in inbox_of(charlie)] == ["room.invited", "room.uninvited", "room.added"]
    assert inbox_of(charlie)[1]["data"] == {"room_id": room["id"], "reason": "accepted"}
    assert charlie.get("/v1/me/invites").json()["results"] == []
    visible = charlie.get(f"/v1/rooms/{room['id']}/events", after=0).json()["results"]
    assert [event["type"] for event in visible] == ["member.joined"]


def test_declining_ends_it(alice: Person, charlie: Person, room: Any) -> None:
    invite(alice, room, charlie)

    response = charlie.post(f"/v1/rooms/{room['id']}/decline")

    assert response.status_code == 204
    assert events_of(room)[-1]["data"] == {"user": author(charlie), "reason": "declined"}
    assert inbox_of(charlie)[-1]["data"] == {"room_id": room["id"], "reason": "declined"}
    assert refusal(charlie.get(f"/v1/rooms/{room['id']}")) == (404, "not_found")
    assert refusal(charlie.post(f"/v1/rooms/{room['id']}/join")) == (404, "not_found")
    assert refusal(charlie.post(f"/v1/rooms/{room['id']}/decline")) == (404, "not_found")


def test_withdrawing_ends_it_and_can_be_repeated(alice: Person, charlie: Person, room: Any) -> None:
    invite(alice, room, charlie)
    url = f"/v1/rooms/{room['id']}/invites/{charlie.user.id}"

    assert [alice.delete(url).status_code for _ in range(2)] == [204, 204]

    assert types_of(room) == ["room.created", "invite.created", "invite.ended"]
    assert inbox_of(charlie)[-1]["data"] == {"room_id": room["id"], "reason": "withdrawn"}
    assert invite(alice, room, charlie).status_code == 200
    assert Invite.objects.filter(user=charlie.user).count() == 2


def test_a_second_invitation_changes_nothing(alice: Person, charlie: Person, room: Any) -> None:
    first, second = invite(alice, room, charlie), invite(alice, room, charlie)

    assert (first.json(), types_of(room)) == (second.json(), ["room.created", "invite.created"])


def test_adding_an_invited_user_accepts_it(alice: Person, charlie: Person, room: Any) -> None:
    invite(alice, room, charlie)

    assert alice.put(f"/v1/rooms/{room['id']}/members/{charlie.user.id}").status_code == 201

    assert types_of(room)[2:] == ["invite.ended", "member.joined"]


def test_who_may_not_invite_and_who_cannot_be_invited(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    direct = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()

    assert refusal(invite(bob, room, charlie)) == (403, "room.role_required")
    assert refusal(invite(charlie, room, bob)) == (404, "not_found")
    assert refusal(invite(alice, room, bob)) == (409, "room.already_member")
    assert refusal(alice.put(f"/v1/rooms/{room['id']}/invites/{room['id']}")) == (404, "not_found")
    assert refusal(invite(alice, direct, charlie)) == (403, "room.direct")
    alice.delete(f"/v1/rooms/{room['id']}")
    assert refusal(invite(alice, room, charlie)) == (409, "room.archived")


def test_the_oldest_of_too_many_is_given_up(alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.members.invites.MAX_OF_USER", 2)
    rooms = [make_room(alice) for _ in range(3)]

    for each in rooms:
        invite(alice, each, charlie)

    kept = [entry["room"]["id"] for entry in charlie.get("/v1/me/invites").json()["results"]]
    assert kept == [each["id"] for each in rooms[1:]]
    assert types_of(rooms[0]) == ["room.created", "invite.created", "invite.ended"]
    assert events_of(rooms[0])[-1]["data"]["reason"] == "withdrawn"
    assert inbox_of(charlie)[2]["data"] == {"room_id": rooms[0]["id"], "reason": "withdrawn"}


def test_a_room_has_a_bound(alice: Person, charlie: Person, room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.members.invites.MAX_OF_ROOM", 1)
    invite(alice, room, charlie)

    assert refusal(invite(alice, room, join_parley("dora"))) == (409, "invite.limit")


def test_invitations_are_limited(alice: Person, charlie: Person, room: Any, settings: Settings) -> None:
    settings.RATE_LIMITS = True
    INVITES.reset()
    INVITES.take(str(alice.user.id), 100)
    try:
        assert refusal(invite(alice, room, charlie)) == (429, "limit.invite")
    finally:
        INVITES.reset()
    assert types_of(room) == ["room.created"]


def test_the_first_member_of_an_ownerless_private_room_does_not_own_it(
    alice: Person, bob: Person, charlie: Person, room: Any
) -> None:
    invite(alice, room, charlie)
    alice.user.is_active = False
    alice.user.save()

    assert charlie.post(f"/v1/rooms/{room['id']}/join").json()["me"]["role"] == "member"
