"""PUT and DELETE /v1/rooms/{id}/pins/{message_id}, GET /v1/rooms/{id}/pins"""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import Pin
from api.services.messages import Send, SendResult, send_messages
from tests.api.stories import events_of, make_room, post_message, refusal, types_of
from tests.clients import Person, codes


def url_of(message: Any) -> str:
    return f"/v1/rooms/{message['room_id']}/pins/{message['id']}"


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob], history="shared")


@pytest.fixture
def message(bob: Person, room: Any) -> Any:
    return post_message(bob, room, "Tea at six")


def pins_of(person: Person, room: Any, **query: Any) -> Any:
    return person.get(f"/v1/rooms/{room['id']}/pins", **query).json()


def test_it_works(alice: Person, bob: Person, room: Any, message: Any) -> None:
    response = alice.put(url_of(message))

    event = events_of(room)[-1]
    fields = {"pinned_at": event["at"], "pinned_by": str(alice.user.id)}
    assert (response.status_code, response.json()) == (200, message | {"version": 3, **fields})
    assert event["type"] == "pin.added"
    ids = {"id": message["id"], "room_id": room["id"]}
    assert event["data"] == {**ids, "seq": 2, "version": 3, "base_version": 2, **fields}
    assert pins_of(bob, room) == {"results": [response.json()], "next": None, "previous": None, "mine": {}}


def test_a_pin_is_removed(alice: Person, room: Any, message: Any) -> None:
    alice.put(url_of(message))

    response = alice.delete(url_of(message))

    assert (response.status_code, response.json()) == (200, message | {"version": 4})
    data = events_of(room)[-1]["data"]
    assert (data["base_version"], data["pinned_at"], data["pinned_by"]) == (3, None, None)
    assert pins_of(alice, room)["results"] == []


def test_the_same_pin_again_writes_nothing(alice: Person, room: Any, message: Any) -> None:
    pinned = alice.put(url_of(message)).json()

    again = alice.put(url_of(message))

    assert (again.status_code, again.json()) == (200, pinned)
    assert types_of(room)[-2:] == ["message.created", "pin.added"]
    assert [alice.delete(url_of(message)).status_code for _ in range(2)] == [200, 200]
    assert types_of(room)[-2:] == ["pin.added", "pin.removed"]


def test_a_field_in_the_body_is_refused(alice: Person, room: Any, message: Any) -> None:
    assert codes(alice.put(url_of(message), {"until": None})) == {"until": "unknown"}
    assert types_of(room)[-1] == "message.created"


def test_a_member_cannot_pin(bob: Person, room: Any, message: Any) -> None:
    assert "pin" not in bob.get(f"/v1/rooms/{room['id']}").json()["me"]["can"]
    for method in ("PUT", "DELETE"):
        assert refusal(bob.request(method, url_of(message))) == (403, "room.role_required")
    assert types_of(room)[-1] == "message.created"


def test_both_pin_in_a_direct_room(alice: Person, bob: Person) -> None:
    room = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()
    message = post_message(alice, room, "psst")

    assert bob.put(url_of(message)).status_code == 200
    assert alice.delete(url_of(message)).status_code == 200


def test_an_outsider_cannot_use_pins(charlie: Person, room: Any, message: Any) -> None:
    for method, path in (
        ("PUT", url_of(message)),
        ("DELETE", url_of(message)),
        ("GET", f"/v1/rooms/{room['id']}/pins"),
    ):
        assert refusal(charlie.request(method, path)) == (404, "not_found")


def post_many(person: Person, room: Any, count: int) -> list[UUID]:
    names = [f"m{number}" for number in range(count)]
    sent = send_messages([Send(person.session, UUID(room["id"]), name, name, {}, None) for name in names])
    return [each.id for each in sent if isinstance(each, SendResult)]


def test_a_room_has_at_most_a_hundred(alice: Person, room: Any) -> None:
    first, last, *others = post_many(alice, room, 101)
    alice.put(f"/v1/rooms/{room['id']}/pins/{first}")
    Pin.objects.bulk_create(Pin(message_id=each, room_id=room["id"], seq=-n) for n, each in enumerate(others))

    assert refusal(alice.put(f"/v1/rooms/{room['id']}/pins/{last}")) == (409, "pin.limit")
    assert alice.put(f"/v1/rooms/{room['id']}/pins/{first}").status_code == 200


def test_pins_are_paged_newest_pin_first_in_two_queries(alice: Person, room: Any) -> None:
    ids = [str(each) for each in post_many(alice, room, 5)]
    for each in (3, 0, 4):
        alice.put(f"/v1/rooms/{room['id']}/pins/{ids[each]}")
    alice.put(f"/v1/rooms/{room['id']}/messages/{ids[4]}/reactions/:tea:")
    queries = []

    pages = []
    for limit in (1, 3):
        with CaptureQueriesContext(connection) as captured:
            pages.append(pins_of(alice, room, limit=limit))
        queries.append(len(captured))

    assert [[each["id"] for each in page["results"]] for page in pages] == [[ids[4]], [ids[4], ids[0], ids[3]]]
    assert [page["mine"] for page in pages] == [{ids[4]: [":tea:"]}] * 2
    assert queries[0] == queries[1]
    rest = pins_of(alice, room, limit=2, cursor=pages[0]["next"])
    assert [each["id"] for each in rest["results"]] == [ids[0], ids[3]]


def test_a_deleted_message_is_not_pinned(alice: Person, bob: Person, room: Any, message: Any) -> None:
    alice.put(url_of(message))
    bob.delete(f"/v1/rooms/{room['id']}/messages/{message['id']}")

    tombstone = alice.get(f"/v1/rooms/{room['id']}/messages/{message['id']}").json()
    assert (tombstone["pinned_at"], tombstone["pinned_by"]) == (None, None)
    assert pins_of(alice, room)["results"] == []
    assert refusal(alice.put(url_of(message))) == (409, "message.deleted")
    assert alice.delete(url_of(message)).json() == tombstone


def test_a_member_sees_only_pins_of_visible_messages(alice: Person, charlie: Person) -> None:
    room = make_room(alice, history="since_joined")
    early = post_message(alice, room, "early")
    alice.put(f"/v1/rooms/{room['id']}/members/{charlie.user.id}", {})
    late = post_message(alice, room, "late")
    for each in (early, late):
        alice.put(url_of(each))

    assert [each["text"] for each in pins_of(charlie, room)["results"]] == ["late"]
