"""PATCH /v1/rooms/{id}/me"""

from typing import Any

import pytest

from tests.api.stories import OUTSIDE, UNCHANGED, events_of, inbox_of, make_room, post_message, refusal, types_of
from tests.clients import Person, codes


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    room = make_room(alice, members=[bob])
    post_message(alice, room, "hello")
    return room


def hide(person: Person, room: Any, hidden: object = True) -> Any:
    return person.patch(f"/v1/rooms/{room['id']}/me", {"hidden": hidden})


def is_listed(person: Person, room: Any, **query: Any) -> bool:
    return room["id"] in {found["id"] for found in person.get("/v1/rooms", **query).json()["results"]}


def test_it_works(alice: Person, bob: Person, room: Any) -> None:
    response = hide(bob, room)

    event = inbox_of(bob)[-1]
    assert response.status_code == 200
    assert response.json() == bob.get(f"/v1/rooms/{room['id']}").json()["me"]
    assert response.json()["hidden"] is True
    assert (event["type"], event["room_id"], event["actor_id"]) == ("room.preferred", None, str(bob.user.id))
    assert event["data"] == UNCHANGED | {"room_id": room["id"], "hidden": True, "head": 2}
    assert (is_listed(bob, room), is_listed(bob, room, hidden="true"), is_listed(alice, room)) == (False, True, True)
    assert types_of(room) == ["room.created", "message.created"]


@pytest.mark.parametrize("writer", ["alice", "bob"])
def test_a_new_message_shows_a_hidden_room_without_an_event(alice: Person, bob: Person, room: Any, writer: str) -> None:
    hide(bob, room)
    count_before = len(inbox_of(bob))

    post_message(alice if writer == "alice" else bob, room, "are you there?")

    assert (is_listed(bob, room), is_listed(bob, room, hidden="true")) == (True, False)
    assert bob.get(f"/v1/rooms/{room['id']}").json()["me"]["hidden"] is False
    assert len(inbox_of(bob)) == count_before


def test_only_a_message_shows_a_hidden_room(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    hide(bob, room)
    message = events_of(room)[-1]["data"]["id"]
    url = f"/v1/rooms/{room['id']}"

    alice.patch(url, {"name": "Coffee"})
    alice.put(f"{url}/members/{charlie.user.id}")
    alice.patch(f"{url}/messages/{message}", {"text": "edited"})
    alice.delete(f"{url}/messages/{message}")
    bob.post(f"{url}/unread", {"seq": 2})

    assert bob.get(url).json()["me"]["hidden"] is True
    assert is_listed(bob, room, hidden="true")


def test_a_hidden_room_can_be_shown_again(bob: Person, room: Any) -> None:
    hide(bob, room)

    response = hide(bob, room, False)

    assert (response.status_code, response.json()["hidden"]) == (200, False)
    assert is_listed(bob, room)
    assert inbox_of(bob)[-1]["data"] == UNCHANGED | {"room_id": room["id"], "hidden": False, "head": 2}


@pytest.mark.parametrize("body", [{"hidden": False}, {}])
def test_a_change_without_effect_writes_no_event(bob: Person, room: Any, body: dict[str, bool]) -> None:
    before = inbox_of(bob)

    response = bob.patch(f"/v1/rooms/{room['id']}/me", body)

    assert (response.status_code, response.json()["hidden"]) == (200, False)
    assert inbox_of(bob) == before


def test_hiding_twice_writes_one_event(bob: Person, room: Any) -> None:
    hide(bob, room)
    before = inbox_of(bob)

    assert (hide(bob, room).status_code, inbox_of(bob)) == (200, before)


def test_a_room_can_be_hidden_again_after_a_message(alice: Person, bob: Person, room: Any) -> None:
    hide(bob, room)
    post_message(alice, room, "back")

    hide(bob, room)

    assert inbox_of(bob)[-1]["data"] == UNCHANGED | {"room_id": room["id"], "hidden": True, "head": 3}
    assert not is_listed(bob, room)


def test_direct_and_archived_rooms_can_be_hidden(alice: Person, bob: Person, room: Any) -> None:
    direct = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()
    alice.delete(f"/v1/rooms/{room['id']}")

    assert [hide(alice, each).json()["hidden"] for each in (direct, room)] == [True, True]
    assert alice.get("/v1/rooms").json()["results"] == []


def test_a_returning_member_starts_without_hiding(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public", members=[bob])
    hide(bob, room)
    bob.post(f"/v1/rooms/{room['id']}/leave")

    assert bob.post(f"/v1/rooms/{room['id']}/join").json()["me"]["hidden"] is False


def test_sync_ignores_hiding(bob: Person, room: Any) -> None:
    hide(bob, room)

    [entry] = bob.post("/v1/sync", {}).json()["rooms"]

    assert (entry["id"], entry["room"]["me"]["hidden"]) == (room["id"], True)


@pytest.mark.parametrize(
    ("body", "refused"),
    [({"hidden": 1}, {"hidden": "type"}), ({"hidden": "true"}, {"hidden": "type"}), ({"mute": 1}, {"mute": "unknown"})],
)
def test_an_invalid_field_is_rejected_by_name(bob: Person, room: Any, body: Any, refused: dict[str, str]) -> None:
    assert codes(bob.patch(f"/v1/rooms/{room['id']}/me", body)) == refused


def test_an_outsider_cannot(alice: Person, charlie: Person, room: Any) -> None:
    public = make_room(alice, kind="public")

    assert refusal(hide(charlie, room)) == (404, "not_found")
    assert refusal(hide(charlie, public)) == (403, "room.not_member")
    assert charlie.get(f"/v1/rooms/{public['id']}").json()["me"] == OUTSIDE
    assert inbox_of(charlie) == []


def test_the_other_preferences_are_kept_for_the_user_alone(alice: Person, bob: Person, room: Any) -> None:
    changes = {"notify": "mentions", "pinned": True, "snoozed_until": "2090-01-01T00:00:00.000Z"}

    response = bob.patch(f"/v1/rooms/{room['id']}/me", changes)

    assert {name: response.json()[name] for name in changes} == changes
    event = inbox_of(bob)[-1]
    assert (event["type"], event["data"]) == (
        "room.preferred",
        {"room_id": room["id"], "hidden": False, "head": 2, **changes},
    )
    assert {name: alice.get(f"/v1/rooms/{room['id']}").json()["me"][name] for name in UNCHANGED} == UNCHANGED
    assert types_of(room) == ["room.created", "message.created"]


def test_the_same_preferences_again_write_no_event(bob: Person, room: Any) -> None:
    changes = {"notify": "none", "pinned": True, "hidden": True, "snoozed_until": "2090-01-01T00:00:00.123Z"}
    first = bob.patch(f"/v1/rooms/{room['id']}/me", changes).json()
    count_before = len(inbox_of(bob))

    second = bob.patch(f"/v1/rooms/{room['id']}/me", changes).json()

    assert (first, len(inbox_of(bob))) == (second, count_before)


def test_a_snooze_passes_and_can_be_ended(bob: Person, room: Any) -> None:
    url = f"/v1/rooms/{room['id']}/me"

    assert bob.patch(url, {"snoozed_until": "2020-01-01T00:00:00.000Z"}).json()["snoozed_until"] is None
    assert bob.patch(url, {"snoozed_until": "2090-01-01T00:00:00.000Z"}).json()["snoozed_until"] is not None
    assert bob.patch(url, {"pinned": None}).json()["snoozed_until"] is not None
    assert bob.patch(url, {"snoozed_until": None}).json()["snoozed_until"] is None


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"notify": "loud"}, "notify", "invalid_choice"),
        ({"pinned": 1}, "pinned", "type"),
        ({"snoozed_until": "tomorrow"}, "snoozed_until", "invalid"),
        ({"muted_until": None}, "muted_until", "unknown"),
    ],
)
def test_wrong_preferences_are_rejected(bob: Person, room: Any, body: Any, field: str, code: str) -> None:
    response = bob.patch(f"/v1/rooms/{room['id']}/me", body)

    assert (response.status_code, codes(response)) == (400, {field: code})
