"""Bans and mutes: PUT, DELETE and GET rooms/{id}/bans and rooms/{id}/mutes"""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from api.models import Ban, Member, Mute
from tests.api.stories import events_of, inbox_of, make_room, post_message, refusal, types_of
from tests.clients import Person, codes, join_parley

LATER = "2090-01-01T00:00:00.000Z"
BANNED, MUTED = (403, "room.banned"), (403, "room.muted")


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, kind="public", members=[bob])


def ban(actor: Person, room: Any, target: Person, **body: Any) -> Any:
    return actor.put(f"/v1/rooms/{room['id']}/bans/{target.user.id}", body)


def mute(actor: Person, room: Any, target: Person, **body: Any) -> Any:
    return actor.put(f"/v1/rooms/{room['id']}/mutes/{target.user.id}", body)


def send(person: Person, room: Any) -> Any:
    return person.post(f"/v1/rooms/{room['id']}/messages", {"client_id": uuid4().hex, "text": "hello"})


def test_a_ban_removes_a_member(alice: Person, bob: Person, room: Any) -> None:
    response = ban(alice, room, bob, until=LATER, reason="Shouts")

    assert response.status_code == 200
    shown = response.json()
    assert (shown["user"]["id"], shown["by"]["id"]) == (str(bob.user.id), str(alice.user.id))
    assert (shown["room_id"], shown["until"], shown["reason"]) == (room["id"], LATER, "Shouts")
    assert types_of(room) == ["room.created", "member.removed", "ban.created"]
    assert events_of(room)[-1]["data"] == {"user": shown["user"], "until": LATER}
    told = inbox_of(bob)[-1]
    assert (told["type"], told["data"]["reason"], told["data"]["seq"]) == ("room.removed", "banned", 2)
    removed = bob.post("/v1/sync", {"rooms": {room["id"]: 1}}).json()["removed"]
    assert removed == [{"id": room["id"], "reason": "banned", "seq": 2}]
    assert bob.get(f"/v1/rooms/{room['id']}").json()["me"]["state"] == "banned"


def test_a_banned_user_has_no_way_in(alice: Person, bob: Person, room: Any) -> None:
    code = alice.post(f"/v1/rooms/{room['id']}/links").json()["code"]
    ban(alice, room, bob)

    assert refusal(bob.post(f"/v1/rooms/{room['id']}/join")) == BANNED
    assert refusal(bob.post(f"/v1/links/{code}/join")) == BANNED
    assert refusal(alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}")) == (409, "room.user_banned")
    assert refusal(alice.put(f"/v1/rooms/{room['id']}/invites/{bob.user.id}")) == (409, "room.user_banned")
    assert refusal(send(bob, room)) == (403, "room.not_member")


def test_a_ban_of_an_outsider_ends_an_invitation_and_links(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob])
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "admin"})
    code = bob.post(f"/v1/rooms/{room['id']}/links").json()["code"]
    alice.put(f"/v1/rooms/{room['id']}/invites/{charlie.user.id}")

    assert ban(alice, room, charlie).status_code == ban(alice, room, bob).status_code == 200

    assert types_of(room)[-5:] == ["invite.created", "invite.ended", "ban.created", "member.removed", "ban.created"]
    assert inbox_of(charlie)[-1]["data"]["reason"] == "withdrawn"
    assert refusal(charlie.get(f"/v1/rooms/{room['id']}")) == (404, "not_found")
    assert refusal(charlie.get(f"/v1/links/{code}")) == (404, "not_found")


def test_a_ban_can_be_changed_repeated_and_lifted(alice: Person, bob: Person, room: Any) -> None:
    url = f"/v1/rooms/{room['id']}/bans/{bob.user.id}"

    ban(alice, room, bob)
    ban(alice, room, bob)
    ban(alice, room, bob, until=LATER)
    ends = [alice.delete(url).status_code for _ in range(2)]

    assert ends == [204, 204]
    assert types_of(room)[2:] == ["ban.created", "ban.created", "ban.ended"]
    assert bob.get(f"/v1/rooms/{room['id']}").json()["me"]["state"] == "removed"
    assert bob.post(f"/v1/rooms/{room['id']}/join").status_code == 200


@pytest.mark.parametrize("kind", [Ban, Mute])
def test_it_passes_without_an_event(alice: Person, bob: Person, room: Any, kind: Any) -> None:
    (ban if kind is Ban else mute)(alice, room, bob, until=LATER)
    before, past = types_of(room), timezone.now() - timedelta(seconds=1)
    kind.objects.update(until=past)
    Member.objects.filter(user=bob.user).update(muted_until=past)

    state = bob.get(f"/v1/rooms/{room['id']}").json()["me"]

    assert (state["state"], state["muted_until"]) == ("removed" if kind is Ban else "joined", None)
    assert alice.get(f"/v1/rooms/{room['id']}/{kind.__name__.lower()}s").json()["results"] == []
    assert types_of(room) == before
    assert bob.post(f"/v1/rooms/{room['id']}/join").status_code == 200
    assert send(bob, room).status_code == 201


def test_only_those_who_may_ban_see_the_reason(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    ban(alice, room, charlie, reason="Shouts")
    mute(alice, room, bob, reason="Whispers")
    url = f"/v1/rooms/{room['id']}"

    for path, reason in (("bans", "Shouts"), ("mutes", "Whispers")):
        [mine] = alice.get(f"{url}/{path}").json()["results"]
        [theirs] = bob.get(f"{url}/{path}").json()["results"]
        assert (mine["reason"], theirs) == (reason, mine | {"reason": None})
    alice.delete(url)
    assert alice.get(f"{url}/bans").json()["results"][0]["reason"] == "Shouts"
    assert refusal(charlie.get(f"{url}/bans")) == (403, "room.not_member")


@pytest.mark.parametrize("path", ["bans", "mutes"])
def test_only_lower_roles_can_be_sanctioned(alice: Person, bob: Person, charlie: Person, room: Any, path: str) -> None:
    url, dora = f"/v1/rooms/{room['id']}", join_parley("dora")
    for admin in (bob, dora):
        alice.put(f"{url}/members/{admin.user.id}", {"role": "admin"})
    alice.put(f"{url}/members/{charlie.user.id}")
    refused = (403, "room.role_required")

    assert refusal(bob.put(f"{url}/{path}/{alice.user.id}")) == refused
    assert refusal(bob.put(f"{url}/{path}/{dora.user.id}")) == refused
    assert refusal(bob.put(f"{url}/{path}/{bob.user.id}")) == refused
    assert refusal(charlie.put(f"{url}/{path}/{bob.user.id}")) == refused
    assert refusal(charlie.delete(f"{url}/{path}/{bob.user.id}")) == refused
    assert bob.put(f"{url}/{path}/{charlie.user.id}").status_code == 200
    assert alice.put(f"{url}/{path}/{dora.user.id}").status_code == 200


@pytest.mark.parametrize("path", ["bans", "mutes"])
def test_wrong_requests_are_rejected(alice: Person, bob: Person, room: Any, path: str) -> None:
    url = f"/v1/rooms/{room['id']}/{path}"
    direct = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()

    assert codes(alice.put(f"{url}/{bob.user.id}", {"until": "2020-01-01T00:00:00Z"})) == {"until": "min_value"}
    assert codes(alice.put(f"{url}/{bob.user.id}", {"reason": "x" * 501})) == {"reason": "max_length"}
    assert refusal(alice.put(f"{url}/{uuid4()}")) == (404, "not_found")
    assert refusal(alice.put(f"/v1/rooms/{direct['id']}/{path}/{bob.user.id}")) == (403, "room.direct")
    alice.delete(f"/v1/rooms/{room['id']}")
    assert refusal(alice.put(f"{url}/{bob.user.id}")) == (409, "room.archived")


@pytest.mark.parametrize("kind", ["ban", "mute"])
def test_they_have_a_bound(
    alice: Person, bob: Person, charlie: Person, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = make_room(alice, members=[bob, charlie])
    monkeypatch.setattr("api.services.members.sanctions.MAX_OF_ROOM", 1)
    url = f"/v1/rooms/{room['id']}/{kind}s"
    alice.put(f"{url}/{charlie.user.id}")

    assert refusal(alice.put(f"{url}/{bob.user.id}")) == (409, f"{kind}.limit")
    assert alice.put(f"{url}/{charlie.user.id}", {"until": LATER}).status_code == 200


def test_a_muted_member_reads_and_does_not_write(alice: Person, bob: Person, room: Any) -> None:
    message = post_message(bob, room, "hello")
    url = f"/v1/rooms/{room['id']}"

    response = mute(alice, room, bob)

    assert (response.status_code, response.json()["until"]) == (200, None)
    assert events_of(room)[-1]["type"] == "mute.created"
    assert events_of(room)[-1]["data"] == {"user": response.json()["user"], "until": None}
    refused = send(bob, room)
    assert (refusal(refused), refused.json()["retryable"]) == (MUTED, False)
    assert refusal(bob.patch(f"{url}/messages/{message['id']}", {"text": "edited"})) == MUTED
    assert refusal(bob.post(f"{url}/typing", {"on": True})) == MUTED
    assert bob.get(f"{url}/messages").status_code == 200
    assert bob.get(url).json()["me"]["muted_until"] == "9999-12-31T00:00:00.000Z"
    assert alice.get(url).json()["me"]["muted_until"] is None
    again = {"client_id": message["client_id"], "text": "hello"}
    assert bob.post(f"{url}/messages", again).status_code == 200
    assert bob.delete(f"{url}/messages/{message['id']}").status_code == 204


def test_a_mute_outlives_a_leave_and_can_be_lifted(alice: Person, bob: Person, room: Any) -> None:
    mute(alice, room, bob, until=LATER)
    mute(alice, room, bob, until=LATER)
    bob.post(f"/v1/rooms/{room['id']}/leave")
    bob.post(f"/v1/rooms/{room['id']}/join")
    assert refusal(send(bob, room)) == MUTED

    ends = [alice.delete(f"/v1/rooms/{room['id']}/mutes/{bob.user.id}").status_code for _ in range(2)]

    assert ends == [204, 204]
    assert types_of(room) == ["room.created", "mute.created", "member.left", "member.joined", "mute.ended"]
    assert send(bob, room).status_code == 201
    assert refusal(mute(alice, room, join_parley("dora"))) == (404, "not_found")
