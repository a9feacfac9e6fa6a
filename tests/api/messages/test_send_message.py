"""POST /v1/rooms/{id}/messages"""

from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from api.models import Message
from api.serializers.message_shape import DEFAULTS
from api.services.messages import Send
from tests.api.stories import events_of, make_room, post_message, refusal, types_of
from tests.clients import Person, codes
from tests.plans import ON_SQLITE

MESSAGE_KEYS = set(DEFAULTS) | {
    "id",
    "room_id",
    "seq",
    "version",
    "sender",
    "client_id",
    "text",
    "metadata",
    "reply_to",
    "created_at",
    "edited_at",
    "deleted_at",
}


def send(person: Person, room: Any, **body: Any) -> Any:
    return person.post(f"/v1/rooms/{room['id']}/messages", {"client_id": uuid4().hex, "text": "Hi", **body})


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    response = send(bob, room, client_id="tea-1", text="Tea?\n\tNow.", metadata={"mood": "happy"})

    message = response.json()
    assert response.status_code == 201
    assert set(message) == MESSAGE_KEYS
    assert message["sender"] == {
        "id": str(bob.user.id),
        "username": "bob",
        "display_name": "Bob",
        "avatar_url": None,
        "kind": "person",
    }
    assert (message["seq"], message["version"], message["client_id"]) == (2, 2, "tea-1")
    assert (message["text"], message["metadata"]) == ("Tea?\n\tNow.", {"mood": "happy"})
    assert [message[name] for name in ("reply_to", "edited_at", "deleted_at")] == [None, None, None]
    assert {name: message[name] for name in DEFAULTS} == DEFAULTS


def test_the_event_carries_the_same_message(alice: Person) -> None:
    room = make_room(alice)

    message = post_message(alice, room, "Hi")

    event = events_of(room)[-1]
    assert event["data"] == message
    assert (event["type"], event["room_id"], event["seq"]) == ("message.created", room["id"], 2)
    assert (event["actor_id"], event["at"]) == (str(alice.user.id), message["created_at"])


def test_a_sender_has_read_their_own_message(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    post_message(bob, room, "Hi")

    post_message(alice, room, "Hello")

    assert alice.get(f"/v1/rooms/{room['id']}").json()["me"]["read_seq"] == 3
    assert alice.get(f"/v1/rooms/{room['id']}").json()["me"]["unread"] == 0
    assert bob.get(f"/v1/rooms/{room['id']}").json()["me"]["unread"] == 1


def test_a_retry_returns_the_existing_message(alice: Person) -> None:
    room = make_room(alice)
    first = send(alice, room, client_id="once", metadata={"a": 1, "b": 2})

    again = send(alice, room, client_id="once", metadata={"b": 2, "a": 1})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert types_of(room) == ["room.created", "message.created"]


def test_a_retry_after_a_change_finds_the_message_as_it_is_now(alice: Person) -> None:
    room = make_room(alice)
    message = send(alice, room, client_id="once").json()
    url = f"/v1/rooms/{room['id']}/messages/{message['id']}"

    edited = alice.patch(url, {"text": "Edited"}).json()
    after_edit = send(alice, room, client_id="once")
    alice.delete(url)
    after_deletion = send(alice, room, client_id="once")

    assert (after_edit.status_code, after_edit.json()) == (200, edited)
    assert (after_deletion.status_code, after_deletion.json()["text"]) == (200, None)


def test_a_retry_after_leaving_returns_the_message(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    message = send(bob, room, client_id="once").json()
    bob.post(f"/v1/rooms/{room['id']}/leave")

    again = send(bob, room, client_id="once")

    assert (again.status_code, again.json()) == (200, message)
    assert refusal(send(bob, room, client_id="other")) == (404, "not_found")


@pytest.mark.parametrize("change", [{"text": "Other"}, {"metadata": {"a": True}}, {"reply_to": "first"}])
def test_a_client_id_with_other_content_is_refused(alice: Person, change: dict[str, Any]) -> None:
    room = make_room(alice)
    first = send(alice, room, client_id="once", metadata={"a": 1}).json()
    change = {"reply_to": first["id"]} if "reply_to" in change else change

    response = send(alice, room, **{"client_id": "once", "metadata": {"a": 1}, **change})

    assert refusal(response) == (409, "message.client_id_reused")
    assert types_of(room) == ["room.created", "message.created"]


def test_a_client_id_is_unique_per_sender_and_room(alice: Person, bob: Person) -> None:
    room, other = make_room(alice, members=[bob]), make_room(alice)

    responses = [send(alice, room, client_id="1"), send(bob, room, client_id="1"), send(alice, other, client_id="1")]

    assert [response.status_code for response in responses] == [201, 201, 201]


def test_an_outsider_cannot_send(alice: Person, charlie: Person, stranger: Person) -> None:
    private, public = make_room(alice), make_room(alice, kind="public")

    assert refusal(send(charlie, private)) == (404, "not_found")
    assert refusal(send(charlie, public)) == (403, "room.not_member")
    assert refusal(send(charlie, {"id": uuid4()})) == (404, "not_found")
    assert refusal(send(stranger, public)) == (401, "auth.required")
    assert Message.objects.count() == 0


def test_an_archived_room_accepts_only_retries(alice: Person) -> None:
    room = make_room(alice)
    message = send(alice, room, client_id="once").json()
    alice.delete(f"/v1/rooms/{room['id']}")

    assert refusal(send(alice, room)) == (409, "room.archived")
    assert send(alice, room, client_id="once").json() == message


def test_a_reply_refers_to_a_message_of_the_room(alice: Person) -> None:
    room = make_room(alice)
    message = post_message(alice, room, "Tea?")

    reply = send(alice, room, text="Yes", reply_to=message["id"])

    assert (reply.status_code, reply.json()["reply_to"]) == (201, message["id"])


def test_a_reply_to_an_unknown_message_is_refused(alice: Person) -> None:
    room, other = make_room(alice), make_room(alice)
    elsewhere = post_message(alice, other, "Hi")

    for target in (elsewhere["id"], str(uuid4())):
        response = send(alice, room, reply_to=target)
        assert (response.status_code, codes(response)) == (400, {"reply_to": "not_found"})
    assert types_of(room) == ["room.created"]


def test_a_reply_to_an_invisible_message_is_refused(alice: Person, bob: Person) -> None:
    room = make_room(alice)
    before = post_message(alice, room, "Before Bob")
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}")
    after = post_message(alice, room, "After Bob")

    assert codes(send(bob, room, reply_to=before["id"])) == {"reply_to": "not_found"}
    assert send(bob, room, reply_to=after["id"]).status_code == 201


@pytest.mark.parametrize("text", ["a", " ", "a" * 8_000, "é" * 8_000, "😀" * 4_096, "a\n\tb", "\u200d", "\u202e"])
def test_valid_texts_are_accepted(alice: Person, text: str) -> None:
    response = send(alice, make_room(alice), text=text)

    assert (response.status_code, response.json()["text"]) == (201, text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "blank"),
        ("a" * 8_001, "max_length"),
        ("😀" * 4_097, "max_bytes"),
        ("a\rb", "control"),
        ("a\r\r\nb", "control"),
        ("a\x7fb", "control"),
        ("a\x85b", "control"),
        ("\x1b[31m", "control"),
        (None, "null"),
        (5, "type"),
        (True, "type"),
        (["a"], "type"),
    ],
)
def test_invalid_texts_are_refused(alice: Person, text: object, code: str) -> None:
    room = make_room(alice)

    response = send(alice, room, text=text)

    assert (response.status_code, codes(response)) == (400, {"text": code})
    assert types_of(room) == ["room.created"]


def test_a_line_break_of_windows_is_a_line_break(alice: Person) -> None:
    room = make_room(alice)

    first = send(alice, room, client_id="once", text="one\r\ntwo\r\n")
    again = send(alice, room, client_id="once", text="one\ntwo\n")

    assert (first.status_code, first.json()["text"]) == (201, "one\ntwo\n")
    assert (again.status_code, again.json()) == (200, first.json())


def test_a_line_break_counts_as_one_character(alice: Person) -> None:
    assert send(alice, make_room(alice), text="\r\n" * 8_000).json()["text"] == "\n" * 8_000


def test_a_retry_in_another_normal_form_is_the_same_message(alice: Person) -> None:
    room = make_room(alice)
    first = send(alice, room, client_id="once", text="cafe\u0301")

    again = send(alice, room, client_id="once", text="caf\u00e9")

    assert (first.json()["text"], again.status_code, again.json()) == ("cafe\u0301", 200, first.json())


def test_a_retry_finds_a_message_whose_digest_is_of_the_text_as_sent(alice: Person) -> None:
    """Version 0.1.0 stored this digest: it did not normalize the text to NFC."""
    room = make_room(alice)
    message = Send(alice.session, UUID(room["id"]), "once", "cafe\u0301", {}, None)
    first = send(alice, room, client_id="once", text=message.text).json()
    Message.objects.update(digest=message.digest(in_nfc=False))

    assert send(alice, room, client_id="once", text=message.text).json() == first


def test_the_text_may_be_empty_when_there_is_metadata(alice: Person) -> None:
    room = make_room(alice)
    picture = {"image": "https://example.org/a.png"}

    response = send(alice, room, text="", metadata=picture)

    assert (response.status_code, response.json()["text"], response.json()["metadata"]) == (201, "", picture)
    assert codes(send(alice, room, text="", metadata=None)) == {"text": "blank"}


def test_null_is_absent(alice: Person) -> None:
    response = send(alice, make_room(alice), metadata=None, reply_to=None)

    assert (response.status_code, response.json()["metadata"], response.json()["reply_to"]) == (201, {}, None)


@pytest.mark.parametrize("attachments", [None, []])
def test_no_attachments_are_the_same_message(alice: Person, attachments: object) -> None:
    room = make_room(alice)
    body = {"client_id": "a-1", "text": "hi"}
    sent = alice.post(f"/v1/rooms/{room['id']}/messages", body)

    again = alice.post(f"/v1/rooms/{room['id']}/messages", {**body, "attachments": attachments})

    assert (again.status_code, again.json()) == (200, sent.json())


def test_attachments_are_refused(alice: Person) -> None:
    room = make_room(alice)
    body = {"client_id": "a-1", "text": "hi", "attachments": [str(uuid4())]}

    assert codes(alice.post(f"/v1/rooms/{room['id']}/messages", body)) == {"attachments": "max_length"}


def test_the_room_id_may_be_in_upper_case(alice: Person) -> None:
    room = make_room(alice)
    message = post_message(alice, room, "Hi")

    reply = send(alice, {"id": room["id"].upper()}, reply_to=message["id"].upper())

    assert (reply.status_code, reply.json()["room_id"], reply.json()["reply_to"]) == (201, room["id"], message["id"])


@pytest.mark.parametrize("client_id", ["", "a" * 65, "a b", "ü", "a\n", 7, None])
def test_an_invalid_client_id_is_refused(alice: Person, client_id: object) -> None:
    response = send(alice, make_room(alice), client_id=client_id)

    assert response.status_code == 400
    assert list(codes(response)) == ["client_id"]


@pytest.mark.parametrize(
    "metadata", [{"a": "x" * 4_090}, [], "a", 1, {"__proto__": {}}, {"a": [{"b": {"prototype": 1}}]}]
)
def test_invalid_metadata_is_refused(alice: Person, metadata: object) -> None:
    response = send(alice, make_room(alice), metadata=metadata)

    assert response.status_code == 400
    assert list(codes(response)) == ["metadata"]


def test_metadata_has_at_most_4_kib(alice: Person) -> None:
    metadata = {"a": "x" * (4_096 - len('{"a":""}'))}

    response = send(alice, make_room(alice), metadata=metadata)

    assert (response.status_code, response.json()["metadata"]) == (201, metadata)


@pytest.mark.parametrize("body", [{"text": "Hi"}, {"client_id": "1"}, {"client_id": "1", "text": "Hi", "seq": 7}, []])
def test_a_body_of_another_shape_is_refused(alice: Person, body: object) -> None:
    room = make_room(alice)

    response = alice.post(f"/v1/rooms/{room['id']}/messages", body)

    assert refusal(response) == (400, "request.invalid")
    assert types_of(room) == ["room.created"]


def test_an_invalid_room_id_is_not_found(alice: Person) -> None:
    assert refusal(alice.post("/v1/rooms/tea/messages", {"client_id": "1", "text": "Hi"})) == (404, "not_found")


def test_a_new_message_shows_the_sender_as_they_are_now(alice: Person) -> None:
    room = make_room(alice)
    alice.patch("/v1/me", {"display_name": "Queen"})

    assert post_message(alice, room, "Hi")["sender"]["display_name"] == "Queen"


@ON_SQLITE
def test_the_queries_of_a_send_do_not_depend_on_the_room(
    alice: Person, bob: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """The session, the transaction's savepoint, the head, the context, four writes, and the savepoint's release."""
    room = make_room(alice, members=[bob])
    post_message(alice, room, "Hi")

    for _ in range(2):
        with django_assert_num_queries(9):
            post_message(alice, room, "Hi")
        for number in range(5):
            post_message(bob, room, f"{number}")
