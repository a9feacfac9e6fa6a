"""PATCH /v1/rooms/{id}/messages/{message_id}"""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.stories import events_of, make_room, post_message, refusal, types_of
from tests.clients import Person, codes


def url_of(message: Any) -> str:
    return f"/v1/rooms/{message['room_id']}/messages/{message['id']}"


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    message = post_message(bob, room, "Tee?")

    response = bob.patch(url_of(message), {"text": "Tea?", "if_version": 2})

    edited = response.json()
    assert response.status_code == 200
    assert edited == message | {"text": "Tea?", "version": 3, "edited_at": edited["edited_at"]}
    assert edited["edited_at"] is not None
    event = events_of(room)[-1]
    assert (event["type"], event["seq"], event["data"]) == ("message.edited", 3, edited)
    assert alice.get(url_of(message)).json() == edited


def test_an_edit_leaves_the_earlier_text_in_the_log(alice: Person) -> None:
    room = make_room(alice)
    message = post_message(alice, room, "Tee?")

    alice.patch(url_of(message), {"text": "Tea?"})

    assert [event["data"].get("text") for event in events_of(room)] == [None, "Tee?", "Tea?"]


def test_an_edit_of_the_metadata_keeps_the_text(alice: Person) -> None:
    message = post_message(alice, make_room(alice), "Hi")

    edited = alice.patch(url_of(message), {"metadata": {"a": 1}}).json()

    assert (edited["text"], edited["metadata"], edited["version"]) == ("Hi", {"a": 1}, 3)


@pytest.mark.parametrize("body", [{}, {"text": "Hi"}, {"text": "Hi", "metadata": {}}, {"text": "Hi", "if_version": 1}])
def test_an_edit_without_a_change_writes_no_event(alice: Person, body: dict[str, Any]) -> None:
    room = make_room(alice)
    message = post_message(alice, room, "Hi")

    response = alice.patch(url_of(message), body)

    assert (response.status_code, response.json()) == (200, message)
    assert types_of(room) == ["room.created", "message.created"]


def test_an_edit_of_an_outdated_version_is_a_conflict(alice: Person) -> None:
    room = make_room(alice)
    message = post_message(alice, room, "1")
    alice.patch(url_of(message), {"text": "2", "if_version": message["version"]})

    response = alice.patch(url_of(message), {"text": "3", "if_version": message["version"]})

    assert refusal(response) == (409, "message.version_conflict")
    assert alice.get(url_of(message)).json()["text"] == "2"


def test_only_the_author_edits_a_message(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob])
    message = post_message(bob, room, "Hi")

    assert refusal(alice.patch(url_of(message), {"text": "I am Bob"})) == (403, "message.not_author")
    assert refusal(charlie.patch(url_of(message), {"text": "I am Bob"})) == (404, "not_found")
    assert types_of(room) == ["room.created", "message.created"]


def test_an_outsider_cannot_edit_in_a_public_room(alice: Person, charlie: Person) -> None:
    message = post_message(alice, make_room(alice, kind="public"), "Hi")

    assert refusal(charlie.patch(url_of(message), {"text": "No"})) == (403, "room.not_member")


def test_an_author_cannot_edit_after_leaving(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    message = post_message(bob, room, "Hi")
    bob.post(f"/v1/rooms/{room['id']}/leave")

    assert refusal(bob.patch(url_of(message), {"text": "No"})) == (404, "not_found")


def test_a_deleted_message_or_one_of_an_archived_room_cannot_be_edited(alice: Person) -> None:
    room = make_room(alice)
    deleted, message = post_message(alice, room, "1"), post_message(alice, room, "2")
    alice.delete(url_of(deleted))

    assert refusal(alice.patch(url_of(deleted), {"text": "3"})) == (409, "message.deleted")
    alice.delete(f"/v1/rooms/{room['id']}")
    assert refusal(alice.patch(url_of(message), {"text": "3"})) == (409, "room.archived")


def test_editing_an_unknown_message_is_not_found(alice: Person) -> None:
    room, other = make_room(alice), make_room(alice)
    elsewhere = post_message(alice, other, "Hi")

    for message_id in (uuid4(), elsewhere["id"]):
        response = alice.patch(f"/v1/rooms/{room['id']}/messages/{message_id}", {"text": "No"})
        assert refusal(response) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "", "metadata": None}, "text"),
        ({"text": "", "metadata": {}}, "text"),
        ({"metadata": {"constructor": 1}}, "metadata"),
        ({"if_version": "2"}, "if_version"),
        ({"if_version": 0}, "if_version"),
        ({"reply_to": None}, "reply_to"),
        ({"seq": 1}, "seq"),
    ],
)
def test_an_invalid_edit_is_refused(alice: Person, body: dict[str, Any], field: str) -> None:
    message = post_message(alice, make_room(alice), "Hi")

    response = alice.patch(url_of(message), body)

    assert response.status_code == 400
    assert list(codes(response)) == [field]


def test_an_edited_message_shows_the_author_as_of_the_edit(alice: Person) -> None:
    message = post_message(alice, make_room(alice), "Hi")
    alice.patch("/v1/me", {"display_name": "Queen"})

    assert alice.patch(url_of(message), {"text": "Ho"}).json()["sender"]["display_name"] == "Queen"


def test_null_is_absent(alice: Person) -> None:
    message = post_message(alice, make_room(alice), "Hi")

    unchanged = alice.patch(url_of(message), {"text": None, "metadata": None, "if_version": None})
    edited = alice.patch(url_of(message), {"text": "Ho", "metadata": None})

    assert (unchanged.status_code, unchanged.json()) == (200, message)
    assert (edited.json()["text"], edited.json()["metadata"]) == ("Ho", {})


def test_a_text_may_be_edited_to_empty_when_there_is_metadata(alice: Person) -> None:
    message = post_message(alice, make_room(alice), "Hi")
    picture = {"image": "https://example.org/a.png"}

    both = alice.patch(url_of(message), {"text": "", "metadata": picture})
    without = alice.patch(url_of(message), {"metadata": {}})

    assert (both.status_code, both.json()["text"], both.json()["metadata"]) == (200, "", picture)
    assert (without.status_code, codes(without)) == (400, {"text": "blank"})
    assert alice.get(url_of(message)).json() == both.json()


@pytest.mark.parametrize(("before", "after"), [("a\nb", "a\r\nb"), ("é", "e\u0301")])
def test_another_spelling_of_the_same_text_changes_nothing(alice: Person, before: str, after: str) -> None:
    message = post_message(alice, make_room(alice), before)

    response = alice.patch(url_of(message), {"text": after})

    assert response.json() == message
