"""POST /v1/admin/rooms, PUT and DELETE /v1/admin/rooms/{room_id}/members/{user_id}"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts import administration
from accounts.models import AuditRecord
from api.models import Room
from tests.clients import Person, codes
from tests.identity.backends import Backend

URL = "/v1/admin/rooms"


@pytest.fixture
def room(backend: Backend, alice: Person) -> dict[str, Any]:
    answer = backend.post(URL, {"owner": alice.user.pk, "kind": "private", "name": "Support"})
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    return found


def path(room: dict[str, Any], person: Person) -> str:
    return f"{URL}/{room['id']}/members/{person.user.pk}"


def test_it_works(backend: Backend, room: dict[str, Any], alice: Person, bob: Person) -> None:
    added = backend.put(path(room, bob))
    promoted = backend.put(path(room, bob), {"role": "admin"})
    removed = backend.delete(path(room, bob))

    assert [answer.status_code for answer in (added, promoted, removed)] == [201, 200, 204]
    assert (added.json()["role"], promoted.json()["role"]) == ("member", "admin")
    assert room["me"]["role"] == "owner"
    assert bob.get(f"/v1/rooms/{room['id']}").status_code == 404
    events = alice.get(f"/v1/rooms/{room['id']}/events").json()["results"]
    assert [event["type"] for event in events] == [
        *("room.created", "member.joined", "member.role_changed", "member.removed")
    ]
    records = AuditRecord.objects.filter(actor=str(backend.key.pk), room_id=room["id"]).order_by("pk")
    assert [record.action for record in records] == [
        *("room.created", "room.member_added", "room.role_changed", "room.member_removed")
    ]


def test_a_retry_changes_nothing(backend: Backend, room: dict[str, Any], alice: Person, bob: Person) -> None:
    again = backend.post(URL, {"owner": alice.user.pk, "kind": "private", "name": "Support"})
    backend.put(path(room, bob))
    puts = [backend.put(path(room, bob)), backend.put(path(room, bob), {"role": "member"})]
    backend.delete(path(room, bob))
    deleted = backend.delete(path(room, bob))

    assert (again.status_code, again.json()["id"]) == (200, room["id"])
    assert [answer.status_code for answer in (*puts, deleted)] == [200, 200, 204]
    assert alice.get(f"/v1/rooms/{room['id']}").json()["head"] == 3


def test_a_room_keeps_an_owner(backend: Backend, room: dict[str, Any], alice: Person, bob: Person) -> None:
    backend.put(path(room, bob))

    answers = [backend.put(path(room, alice), {"role": "member"}), backend.delete(path(room, alice))]

    assert [answer.json()["code"] for answer in answers] == ["room.last_owner"] * 2
    backend.put(path(room, bob), {"role": "owner"})
    assert backend.delete(path(room, alice)).status_code == 204


def test_the_last_member_archives_the_room(backend: Backend, room: dict[str, Any], alice: Person, bob: Person) -> None:
    assert backend.delete(path(room, alice)).status_code == 204

    assert Room.objects.get(pk=room["id"]).is_archived
    answers = [backend.put(path(room, bob)), backend.delete(path(room, alice))]
    assert [answer.json()["code"] for answer in answers] == ["room.archived"] * 2


def test_what_does_not_exist_is_not_found(backend: Backend, room: dict[str, Any], bob: Person) -> None:
    answers = [
        backend.put(f"{URL}/{room['id']}/members/{uuid4()}"),
        backend.put(f"{URL}/{uuid4()}/members/{bob.user.pk}"),
        backend.delete(f"{URL}/{uuid4()}/members/{bob.user.pk}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 3


def test_a_direct_room_is_its_members_own(backend: Backend, alice: Person, bob: Person, charlie: Person) -> None:
    direct = alice.put(f"/v1/rooms/direct/{bob.user.pk}").json()

    answers = [backend.put(path(direct, charlie)), backend.delete(path(direct, bob))]

    assert [answer.json()["code"] for answer in answers] == ["room.direct"] * 2


def test_an_owner_must_exist_and_be_able_to_log_in(backend: Backend, alice: Person) -> None:
    administration.deactivate(user=alice.user)

    answers = [backend.post(URL, {"owner": who, "kind": "public", "name": "X"}) for who in (uuid4(), alice.user.pk)]

    assert codes(answers[0]) == {"owner": "unknown_user"}
    assert answers[1].json()["code"] == "auth.account_disabled"


def test_others_have_no_part_in_it(room: dict[str, Any], alice: Person, bob: Person, stranger: Person) -> None:
    for who, status in ((alice, 403), (stranger, 401)):
        answers = [who.post(URL, {}), who.put(path(room, bob)), who.delete(path(room, alice))]

        assert [answer.status_code for answer in answers] == [status] * 3
