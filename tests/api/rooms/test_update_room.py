"""PATCH /v1/rooms/{id}"""

import pytest

from tests.api.stories import events_of, inbox_of, make_room, refusal, types_of
from tests.clients import Person, codes


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    response = alice.patch(f"/v1/rooms/{room['id']}", {"name": "Coffee", "metadata": {"cups": 2}})

    changed = response.json()
    assert response.status_code == 200
    assert (changed["name"], changed["topic"], changed["metadata"], changed["head"]) == ("Coffee", "", {"cups": 2}, 2)
    event = events_of(room)[-1]
    assert (event["type"], event["actor_id"]) == ("room.updated", str(alice.user.id))
    assert event["data"] == {key: changed[key] for key in event["data"]}
    assert bob.get(f"/v1/rooms/{room['id']}").json()["name"] == "Coffee"
    assert len(inbox_of(bob)) == 1


@pytest.mark.parametrize("body", [{}, {"name": "Tea"}, {"metadata": {}}, {"topic": "", "slug": None}])
def test_no_event_without_a_change(alice: Person, body: dict[str, object]) -> None:
    room = make_room(alice)

    response = alice.patch(f"/v1/rooms/{room['id']}", body)

    assert response.status_code == 200
    assert response.json() == room
    assert types_of(room) == ["room.created"]


def test_true_and_one_are_different_metadata(alice: Person) -> None:
    room = make_room(alice, metadata={"a": 1})

    response = alice.patch(f"/v1/rooms/{room['id']}", {"metadata": {"a": True}})

    assert response.json()["metadata"] == {"a": True}
    assert types_of(room) == ["room.created", "room.updated"]


def test_an_admin_is_allowed_and_a_member_is_not(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    assert refusal(bob.patch(f"/v1/rooms/{room['id']}", {"name": "Bob's"})) == (403, "room.role_required")

    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "admin"})
    assert bob.patch(f"/v1/rooms/{room['id']}", {"name": "Bob's"}).status_code == 200


def test_only_public_rooms_can_change_the_slug(alice: Person) -> None:
    public, private = make_room(alice, kind="public"), make_room(alice)

    assert alice.patch(f"/v1/rooms/{public['id']}", {"slug": "Tea"}).json()["slug"] == "tea"
    assert alice.patch(f"/v1/rooms/{public['id']}", {"slug": None}).json()["slug"] is None
    assert codes(alice.patch(f"/v1/rooms/{private['id']}", {"slug": "tea"})) == {"slug": "public_only"}


def test_a_taken_slug_is_rejected(alice: Person) -> None:
    make_room(alice, kind="public", slug="tea")
    room = make_room(alice, kind="public")

    assert refusal(alice.patch(f"/v1/rooms/{room['id']}", {"slug": "tea"})) == (409, "room.slug_taken")
    assert types_of(room) == ["room.created"]


@pytest.mark.parametrize("field", ["kind", "history", "members", "archived_at", "id"])
def test_fixed_fields_are_rejected_by_name(alice: Person, field: str) -> None:
    room = make_room(alice)

    response = alice.patch(f"/v1/rooms/{room['id']}", {field: "shared"})

    assert codes(response) == {field: "unknown"}


def test_an_archived_room_cannot_be_updated(alice: Person) -> None:
    room = make_room(alice)
    alice.delete(f"/v1/rooms/{room['id']}")

    assert refusal(alice.patch(f"/v1/rooms/{room['id']}", {"name": "New"})) == (409, "room.archived")


def test_a_direct_room_cannot_be_updated(alice: Person, bob: Person) -> None:
    room = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()

    assert refusal(alice.patch(f"/v1/rooms/{room['id']}", {"name": "Us"})) == (403, "room.direct")


def test_an_outsider_cannot(alice: Person, charlie: Person) -> None:
    private, public = make_room(alice), make_room(alice, kind="public")

    assert refusal(charlie.patch(f"/v1/rooms/{private['id']}", {"name": "Mine"})) == (404, "not_found")
    assert refusal(charlie.patch(f"/v1/rooms/{public['id']}", {"name": "Mine"})) == (403, "room.not_member")
    assert types_of(private) == types_of(public) == ["room.created"]
