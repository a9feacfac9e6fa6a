"""DELETE /v1/rooms/{id}/members/{user_id}"""

from typing import Any
from uuid import uuid4

from tests.api.stories import events_of, inbox_of, make_room, refusal, types_of
from tests.clients import Person, join_parley


def remove(actor: Person, room: Any, target: Person) -> Any:
    return actor.delete(f"/v1/rooms/{room['id']}/members/{target.user.id}")


def promote(owner: Person, room: Any, target: Person, role: str = "admin") -> None:
    assert owner.put(f"/v1/rooms/{room['id']}/members/{target.user.id}", {"role": role}).status_code == 200


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    response = remove(alice, room, bob)

    event, inbox_event = events_of(room)[-1], inbox_of(bob)[-1]
    assert (response.status_code, response.content) == (204, b"")
    assert (event["type"], event["actor_id"]) == ("member.removed", str(alice.user.id))
    assert (event["data"]["user"]["id"], event["data"]["state"]) == (str(bob.user.id), "removed")
    assert (inbox_event["type"], inbox_event["data"]["seq"], inbox_event["data"]["reason"]) == (
        "room.removed",
        event["seq"],
        "removed",
    )
    assert refusal(bob.get(f"/v1/rooms/{room['id']}")) == (404, "not_found")


def test_removing_oneself_is_leaving(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    assert remove(bob, room, bob).status_code == 204
    assert types_of(room) == ["room.created", "member.left"]


def test_an_admin_can_remove_plain_members_only(alice: Person, bob: Person, charlie: Person) -> None:
    dora = join_parley("dora")
    room = make_room(alice, members=[bob, charlie, dora])
    promote(alice, room, bob)
    promote(alice, room, charlie)

    assert refusal(remove(bob, room, alice)) == (403, "room.role_required")
    assert refusal(remove(bob, room, charlie)) == (403, "room.role_required")
    assert remove(bob, room, dora).status_code == 204


def test_an_owner_can_remove_admins_and_owners(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob, charlie])
    promote(alice, room, bob)
    promote(alice, room, charlie, "owner")

    assert remove(alice, room, bob).status_code == 204
    assert remove(alice, room, charlie).status_code == 204


def test_a_member_cannot_remove_anybody(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob, charlie])

    assert refusal(remove(bob, room, charlie)) == (403, "room.role_required")
    assert types_of(room) == ["room.created"]


def test_a_user_who_is_not_a_member_cannot_be_removed(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob])
    remove(alice, room, bob)

    assert refusal(remove(alice, room, bob)) == (404, "not_found")
    assert refusal(remove(alice, room, charlie)) == (404, "not_found")
    assert refusal(alice.delete(f"/v1/rooms/{room['id']}/members/{uuid4()}")) == (404, "not_found")
    assert types_of(room) == ["room.created", "member.removed"]
    assert len(inbox_of(bob)) == 2


def test_an_outsider_cannot(alice: Person, bob: Person, charlie: Person) -> None:
    private, public = make_room(alice, members=[bob]), make_room(alice, kind="public", members=[bob])

    assert refusal(remove(charlie, private, bob)) == (404, "not_found")
    assert refusal(remove(charlie, public, bob)) == (403, "room.not_member")
    assert types_of(private) == types_of(public) == ["room.created"]
