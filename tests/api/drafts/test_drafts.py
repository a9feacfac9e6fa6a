"""Drafts: PUT and DELETE rooms/{id}/draft, GET me/drafts."""

from typing import Any
from uuid import uuid4

import pytest

from api.models import Draft
from api.services import drafts
from tests.api.stories import events_of, inbox_of, make_room, post_message, refusal
from tests.clients import Person, codes
from tests.signals import collect_commits


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob])


def url(room: Any) -> str:
    return f"/v1/rooms/{room['id']}/draft"


def drafts_of(person: Person) -> list[Any]:
    results: list[Any] = person.get("/v1/me/drafts").json()["results"]
    return results


def test_it_works(alice: Person, bob: Person, room: Any) -> None:
    response = alice.put(url(room), {"text": "Tea", "metadata": {"at": 3}})

    draft = response.json()
    assert response.status_code == 200
    assert draft == {
        "room_id": room["id"],
        "thread_root": None,
        "text": "Tea",
        "metadata": {"at": 3},
        "reply_to": None,
        "updated_at": draft["updated_at"],
    }
    assert (drafts_of(alice), drafts_of(bob)) == ([draft], [])


def test_a_room_and_each_thread_have_one(alice: Person, room: Any) -> None:
    root = post_message(alice, room, "Tea?")

    for text in ("a", "b"):
        alice.put(url(room), {"text": text})
        alice.put(url(room), {"text": text, "thread_root": root["id"], "reply_to": root["id"]})

    places = [(draft["thread_root"], draft["text"], draft["reply_to"]) for draft in drafts_of(alice)]
    assert places == [(root["id"], "b", root["id"]), (None, "b", None)]


def test_nothing_is_in_the_log(alice: Person, room: Any) -> None:
    before = events_of(room), inbox_of(alice)

    alice.put(url(room), {"text": "Tea"})
    alice.delete(url(room))

    assert (events_of(room), inbox_of(alice)) == before


def test_my_devices_are_notified_of_changes(alice: Person, room: Any, django_capture_on_commit_callbacks: Any) -> None:
    with collect_commits() as commits, django_capture_on_commit_callbacks(execute=True):
        draft = alice.put(url(room), {"text": "Tea"}).json()
        alice.put(url(room), {"text": "Tea"})
        alice.delete(url(room))
        alice.delete(url(room))

    shapes: list[Any] = [(event.stream, event.type, event.seq) for events in commits for event in events]
    assert shapes == [(alice.user.id, "draft.updated", None)] * 2
    assert draft["text"] == "Tea"


def test_delete_of_a_thread(alice: Person, room: Any) -> None:
    root = post_message(alice, room, "Tea?")
    for more in ({}, {"thread_root": root["id"]}):
        alice.put(url(room), {"text": "Tea", **more})

    by_query = alice.request("DELETE", url(room), query={"thread_root": root["id"]})

    assert by_query.status_code == 204
    assert [draft["thread_root"] for draft in drafts_of(alice)] == [None]
    alice.put(url(room), {"text": "Tea", "thread_root": root["id"]})
    assert alice.delete(url(room), {"thread_root": root["id"]}).status_code == 204
    assert [draft["thread_root"] for draft in drafts_of(alice)] == [None]
    assert alice.delete(url(room)).status_code == 204
    assert drafts_of(alice) == []


def test_drafts_end_with_the_membership(alice: Person, bob: Person, room: Any) -> None:
    bob.put(url(room), {"text": "Tea"})

    alice.delete(f"/v1/rooms/{room['id']}/members/{bob.user.id}")
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {})

    assert drafts_of(bob) == []
    assert not Draft.objects.exists()


def test_the_oldest_are_given_up(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "MAX_DRAFTS", 2)
    rooms = [make_room(alice) for _ in range(3)]

    for room in rooms:
        alice.put(url(room), {"text": "Tea"})

    assert [draft["room_id"] for draft in drafts_of(alice)] == [rooms[2]["id"], rooms[1]["id"]]


def test_what_is_not_there_is_refused(alice: Person, charlie: Person, room: Any) -> None:
    unknown = str(uuid4())

    assert refusal(charlie.put(url(room), {"text": "Tea"})) == (404, "not_found")
    assert refusal(alice.put(url(room), {"text": "Tea", "thread_root": unknown})) == (404, "not_found")
    assert codes(alice.put(url(room), {"text": "Tea", "reply_to": unknown})) == {"reply_to": "not_found"}
    assert codes(alice.put(url(room), {})) == {"text": "required"}
