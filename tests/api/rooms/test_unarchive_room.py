"""POST /v1/rooms/{id}/unarchive"""

import pytest

from tests.api.stories import events_of, make_room, post_message, refusal, types_of
from tests.clients import Person, codes


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public", slug="tea", members=[bob])
    url = f"/v1/rooms/{room['id']}"
    alice.delete(url)

    response = alice.post(f"{url}/unarchive")

    event = events_of(room)[-1]
    assert response.status_code == 200
    assert response.json() == alice.get(url).json()
    assert (response.json()["archived_at"], response.json()["slug"]) == (None, "tea")
    assert (event["type"], event["data"]["archived_at"], event["data"]["slug"]) == ("room.unarchived", None, "tea")
    assert [found["id"] for found in bob.get("/v1/rooms").json()["results"]] == [room["id"]]
    post_message(bob, room, "we are back")


def test_a_room_that_took_the_slug_keeps_it(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public", slug="tea")
    alice.delete(f"/v1/rooms/{room['id']}")
    make_room(bob, kind="public", slug="tea")

    response = alice.post(f"/v1/rooms/{room['id']}/unarchive")

    assert (response.status_code, response.json()["slug"], response.json()["archived_at"]) == (200, None, None)
    assert events_of(room)[-1]["data"]["slug"] is None


def test_a_slug_that_another_room_took_is_not_restored_later(alice: Person, bob: Person) -> None:
    room, other = make_room(alice, kind="public", slug="tea"), "/v1/rooms/{}"
    alice.delete(f"/v1/rooms/{room['id']}")
    taken = make_room(bob, kind="public", slug="tea")
    alice.post(f"/v1/rooms/{room['id']}/unarchive")
    alice.delete(other.format(room["id"]))
    bob.delete(other.format(taken["id"]))

    assert alice.post(f"/v1/rooms/{room['id']}/unarchive").json()["slug"] is None
    assert bob.post(f"/v1/rooms/{taken['id']}/unarchive").json()["slug"] == "tea"


def test_a_retry_changes_nothing(alice: Person) -> None:
    room = make_room(alice)
    alice.delete(f"/v1/rooms/{room['id']}")

    answers = [alice.post(f"/v1/rooms/{room['id']}/unarchive") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert types_of(room) == ["room.created", "room.archived", "room.unarchived"]


@pytest.mark.parametrize("archived", [True, False])
def test_only_an_owner_is_allowed(alice: Person, bob: Person, archived: bool) -> None:
    room = make_room(alice, members=[bob])
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "admin"})
    if archived:
        alice.delete(f"/v1/rooms/{room['id']}")
    before = types_of(room)

    assert refusal(bob.post(f"/v1/rooms/{room['id']}/unarchive")) == (403, "room.role_required")
    assert types_of(room) == before


def test_a_direct_room_is_never_archived(alice: Person, bob: Person) -> None:
    room = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()

    assert refusal(alice.post(f"/v1/rooms/{room['id']}/unarchive")) == (403, "room.direct")


def test_the_body_must_be_empty(alice: Person) -> None:
    room = make_room(alice)

    assert codes(alice.post(f"/v1/rooms/{room['id']}/unarchive", {"slug": "tea"})) == {"slug": "unknown"}


def test_an_outsider_cannot(alice: Person, charlie: Person) -> None:
    private, public = make_room(alice), make_room(alice, kind="public")
    for room in (private, public):
        alice.delete(f"/v1/rooms/{room['id']}")

    assert refusal(charlie.post(f"/v1/rooms/{private['id']}/unarchive")) == (404, "not_found")
    assert refusal(charlie.post(f"/v1/rooms/{public['id']}/unarchive")) == (403, "room.not_member")
    assert types_of(private) == types_of(public) == ["room.created", "room.archived"]
