"""manage.py deactivate_user and reactivate_user, and the rooms of the account"""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from api.models import Job
from tests.api.stories import events_of, make_room, refusal, types_of
from tests.clients import PASSWORD, Person


def deactivate(person: Person) -> None:
    call_command("deactivate_user", person.user.username, stdout=StringIO())


def role_of(person: Person, room: dict[str, str]) -> str:
    return str(person.get(f"/v1/rooms/{room['id']}").json()["me"]["role"])


def test_a_room_without_another_owner_gets_one(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public", members=[bob])

    deactivate(alice)

    assert role_of(bob, room) == "owner"
    assert bob.patch(f"/v1/rooms/{room['id']}", {"name": "Coffee"}).status_code == 200
    [changed] = [event for event in events_of(room) if event["type"] == "member.role_changed"]
    assert (changed["actor_id"], changed["data"]["role"]) == (None, "owner")
    assert not Job.objects.exists()


def test_a_deactivated_user_is_still_a_member(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    deactivate(alice)

    assert bob.get(f"/v1/rooms/{room['id']}").json()["member_count"] == 2


def test_a_room_with_another_owner_is_not_changed(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "owner"})
    before = types_of(room)

    deactivate(alice)

    assert types_of(room) == before


def test_the_last_of_several_owners_to_be_deactivated_hands_over(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob, charlie])
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "owner"})

    deactivate(alice)
    deactivate(bob)

    assert role_of(charlie, room) == "owner"


def test_the_next_to_join_owns_a_room_where_nobody_can_log_in(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public")

    deactivate(alice)
    bob.post(f"/v1/rooms/{room['id']}/join")

    assert role_of(bob, room) == "owner"


def test_an_owner_can_leave_members_who_cannot_log_in(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    deactivate(bob)

    assert alice.post(f"/v1/rooms/{room['id']}/leave").status_code == 204

    assert types_of(room)[1:] == ["member.role_changed", "member.left"]


def test_an_owner_who_cannot_log_in_does_not_count_as_owner(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob, charlie])
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "owner"})
    deactivate(bob)

    assert refusal(alice.post(f"/v1/rooms/{room['id']}/leave")) == (409, "room.last_owner")


def test_a_reactivated_user_can_log_in_and_is_still_an_owner(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    deactivate(alice)

    call_command("reactivate_user", "Alice", stdout=StringIO())

    alice = alice.another_device()
    assert role_of(alice, room) == role_of(bob, room) == "owner"


def test_a_reactivated_member_owns_a_room_where_no_owner_can_log_in(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    deactivate(bob)
    deactivate(alice)

    call_command("reactivate_user", "Bob", stdout=StringIO())

    assert role_of(bob.another_device(), room) == "owner"
    assert not Job.objects.exists()


def test_a_deleted_account_cannot_be_reactivated(alice: Person) -> None:
    alice.delete("/v1/me", {"password": PASSWORD})
    alice.user.refresh_from_db()

    with pytest.raises(CommandError, match="deleted account"):
        call_command("reactivate_user", alice.user.username)


def test_an_unknown_user_cannot_be_reactivated(db: None) -> None:
    with pytest.raises(CommandError, match="no user nobody"):
        call_command("reactivate_user", "nobody")
