"""DELETE /v1/me, and the rooms of the account"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from accounts import administration
from api.models import Job, Member
from api.services import jobs
from tests.api.stories import events_of, inbox_of, make_room, types_of
from tests.clients import PASSWORD, Person
from tests.threads import closing_connections


def delete_account(person: Person) -> None:
    """Delete the account, and run the background jobs."""
    assert person.delete("/v1/me", {"password": PASSWORD}).status_code == 204
    assert jobs.finish(Job.objects.all())


def test_a_deleted_account_leaves_all_rooms(alice: Person, bob: Person) -> None:
    rooms = [make_room(alice, members=[bob]), make_room(alice, kind="public", members=[bob])]

    delete_account(bob)

    for room in rooms:
        assert types_of(room) == ["room.created", "member.left", "user.erased"]
        assert alice.get(f"/v1/rooms/{room['id']}").json()["member_count"] == 1
    assert [event["type"] for event in inbox_of(bob)] == ["room.added"] * 2 + ["room.removed"] * 2


def test_the_longest_standing_admin_becomes_the_owner(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob, charlie])
    alice.put(f"/v1/rooms/{room['id']}/members/{charlie.user.id}", {"role": "admin"})

    delete_account(alice)

    assert types_of(room)[2:] == ["member.role_changed", "member.left", "user.erased"]
    assert events_of(room)[2]["data"]["user"]["username"] == "charlie"
    assert charlie.get(f"/v1/rooms/{room['id']}").json()["me"]["role"] == "owner"


def test_without_an_admin_the_longest_standing_member_becomes_the_owner(
    alice: Person, bob: Person, charlie: Person
) -> None:
    room = make_room(alice, members=[bob, charlie])

    delete_account(alice)

    assert bob.get(f"/v1/rooms/{room['id']}").json()["me"]["role"] == "owner"


def test_a_room_without_other_members_is_archived(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public")

    delete_account(alice)

    assert types_of(room) == ["room.created", "member.left", "room.archived", "user.erased"]
    assert bob.get(f"/v1/rooms/{room['id']}").json()["archived_at"] is not None


def test_a_direct_room_keeps_its_two_members(alice: Person, bob: Person) -> None:
    direct = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()

    delete_account(bob)

    assert types_of(direct) == ["room.created", "user.erased"]
    assert alice.get(f"/v1/rooms/{direct['id']}").json()["member_count"] == 2


def test_an_archived_room_is_handed_over_too(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    alice.delete(f"/v1/rooms/{room['id']}")

    delete_account(alice)

    assert types_of(room)[1:] == ["room.archived", "member.role_changed", "member.left", "user.erased"]
    assert bob.get(f"/v1/rooms/{room['id']}").json()["me"]["role"] == "owner"


def test_an_archived_room_without_other_members_is_not_archived_twice(alice: Person) -> None:
    room = make_room(alice)
    alice.delete(f"/v1/rooms/{room['id']}")

    delete_account(alice)

    assert types_of(room) == ["room.created", "room.archived", "member.left", "user.erased"]


def test_an_owner_who_cannot_log_in_hands_over_too(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob, charlie])
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "owner"})
    administration.deactivate(user=bob.user)

    delete_account(alice)

    assert charlie.get(f"/v1/rooms/{room['id']}").json()["me"]["role"] == "owner"


def test_a_wrong_password_changes_nothing(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    assert bob.delete("/v1/me", {"password": "wrong"}).status_code == 403
    assert types_of(room) == ["room.created"]


@pytest.mark.django_db(transaction=True)
def test_a_deleted_account_is_not_added_meanwhile(alice: Person, bob: Person) -> None:
    rooms = [make_room(alice) for _ in range(12)]

    def add_or_delete(room: Any) -> int:
        if room is not None:
            return int(Person(alice.token).put(f"/v1/rooms/{room['id']}/members/{bob.user.id}").status_code)
        return int(Person(bob.token).delete("/v1/me", {"password": PASSWORD}).status_code)

    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(closing_connections(add_or_delete), [*rooms[:6], None, *rooms[6:]]))

    assert jobs.finish(Job.objects.all())
    assert statuses[6] == 204
    assert set(statuses) <= {201, 204, 404}
    assert not Member.objects.filter(user=bob.user, state="joined").exists()
