"""Streamed messages: send with `streaming`, append, finish."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from api.models import Job, StreamedMessage
from api.models.jobs import JobKind
from api.services import jobs
from api.services.messages import Send
from api.services.messages.streamed import SILENT_SECONDS
from tests.api.stories import events_of, make_room, post_message, refusal, types_of
from tests.clients import Person, codes
from tests.signals import collect_commits
from wire.fields import TEXT_CHARS


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob])


def begin(person: Person, room: Any, text: str = "Twinkle", **more: Any) -> Any:
    body = {"client_id": uuid4().hex, "text": text, "streaming": True, **more}
    response = person.post(f"/v1/rooms/{room['id']}/messages", body)
    assert response.status_code == 201, response.content
    return response.json()


def path_of(message: Any) -> str:
    return f"/v1/rooms/{message['room_id']}/messages/{message['id']}"


def append(person: Person, message: Any, offset: int, text: str) -> Any:
    return person.post(f"{path_of(message)}/append", {"offset": offset, "text": text})


def finish(person: Person, message: Any, **body: Any) -> Any:
    return person.post(f"{path_of(message)}/finish", body)


@pytest.mark.django_db(transaction=True)
def test_it_works(alice: Person, bob: Person, room: Any) -> None:
    message = begin(alice, room)

    with collect_commits() as commits:
        appended = append(alice, message, 7, ", twinkle 🦇").json()
        append(alice, message, 18, "!")
    read = bob.get(path_of(message)).json()
    done = finish(alice, message)

    whole = "Twinkle, twinkle 🦇!"
    assert (message["streaming"], appended["text"], appended["version"]) == (True, whole[:-1], message["version"])
    assert read == appended | {"text": whole}
    assert done.status_code == 200
    assert done.json() == read | {"version": 3, "streaming": False}
    assert (done.json()["edited_at"], done.json()["interrupted"]) == (None, False)
    created, edited = events_of(room)[1:]
    assert (created["data"], edited["type"], edited["data"]) == (message, "message.edited", done.json())
    events: list[Any] = [event for commit in commits for event in commit]
    assert [(event.type, event.seq, event.min_seq, event.of_seq) for event in events] == [
        ("text.appended", None, 2, 2)
    ] * 2
    assert bob.get(f"/v1/rooms/{room['id']}").json()["me"]["unread"] == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_words_again_change_nothing(alice: Person, room: Any) -> None:
    message = begin(alice, room)
    once = append(alice, message, 7, ", bat")

    with collect_commits() as commits:
        again = [append(alice, message, offset, text) for offset, text in ((7, ", bat"), (0, "Twinkle"), (12, ""))]

    assert [answer.json() for answer in again] == [once.json()] * 3
    assert commits == []


@pytest.mark.parametrize(("offset", "text"), [(8, "hole"), (7, "other"), (0, "Twinkle, twinkle"), (6, "ea")])
def test_other_words_and_holes_are_refused_with_the_right_offset(
    alice: Person, room: Any, offset: int, text: str
) -> None:
    message = begin(alice, room, text="Twinkle")
    append(alice, message, 7, ", 🦇")

    response = append(alice, message, offset, text)

    assert refusal(response) == (409, "stream.offset")
    assert response.json()["offset"] == 10
    assert codes(response) == {"offset": "invalid"}
    assert alice.get(path_of(message)).json()["text"] == "Twinkle, 🦇"


def test_the_end_may_name_the_whole_text_and_be_repeated(alice: Person, room: Any) -> None:
    message = begin(alice, room, text="")

    done = finish(alice, message, text="How I wonder")

    again = [finish(alice, message), finish(alice, message, text="How I wonder"), finish(alice, message, text=None)]
    assert done.json()["text"] == "How I wonder"
    assert [answer.json() for answer in again] == [done.json()] * 3
    assert types_of(room) == ["room.created", "message.created", "message.edited"]


def test_nothing_is_written_after_the_end(alice: Person, room: Any) -> None:
    finished, deleted, plain = begin(alice, room), begin(alice, room), post_message(alice, room, "plain")
    finish(alice, finished)
    assert alice.delete(path_of(deleted)).status_code == 204
    before = types_of(room)

    for message in (finished, deleted, plain):
        assert refusal(append(alice, message, 0, "Twinkle")) == (409, "message.not_streaming")
        assert refusal(finish(alice, message, text="What you're at")) == (409, "message.not_streaming")
    for message in (deleted, plain):
        assert refusal(finish(alice, message)) == (409, "message.not_streaming")

    assert types_of(room) == before
    assert alice.get(path_of(deleted)).json()["streaming"] is False


def test_nobody_edits_it_meanwhile(alice: Person, room: Any) -> None:
    message = begin(alice, room)

    assert refusal(alice.patch(path_of(message), {"text": "Up above"})) == (409, "message.streaming")
    finish(alice, message)

    assert alice.patch(path_of(message), {"text": "Up above"}).json()["text"] == "Up above"


def test_only_its_sender_writes_it(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    message = begin(alice, room)

    for answer in (append(bob, message, 7, "!"), finish(bob, message)):
        assert refusal(answer) == (403, "message.not_author")
    for answer in (append(charlie, message, 7, "!"), finish(charlie, message)):
        assert refusal(answer) == (404, "not_found")
    alice.delete(f"/v1/rooms/{room['id']}")
    assert refusal(append(alice, message, 7, "!")) == (409, "room.archived")


def test_bad_bodies_are_refused(alice: Person, room: Any) -> None:
    message, empty = begin(alice, room, text="x" * (TEXT_CHARS - 1)), begin(alice, room, text="")

    assert codes(append(alice, message, TEXT_CHARS - 1, "xx")) == {"text": "max_length"}
    assert codes(finish(alice, empty)) == {"text": "blank"}
    for body in ({}, {"offset": 0}, {"text": "x"}, {"offset": -1, "text": "x"}, {"offset": "0", "text": 1}):
        assert alice.post(f"{path_of(message)}/append", body).status_code == 400
    assert alice.post(f"{path_of(message)}/finish", {"text": ""}).status_code == 400
    body = {"client_id": uuid4().hex, "text": "", "streaming": False}
    assert codes(alice.post(f"/v1/rooms/{room['id']}/messages", body)) == {"text": "blank"}


def test_a_message_whose_sender_fell_silent_is_finished(alice: Person, room: Any) -> None:
    silent, deleted, writing = begin(alice, room), begin(alice, room), begin(alice, room)
    alice.delete(path_of(deleted))
    long_ago = timezone.now() - timedelta(seconds=SILENT_SECONDS + 1)
    StreamedMessage.objects.update(appended_at=long_ago)
    append(alice, writing, 7, "")
    jobs.ensure_repeated()

    assert jobs.finish(Job.objects.filter(kind=JobKind.FINISH_SILENT))

    ended = alice.get(path_of(silent)).json()
    assert (ended["streaming"], ended["interrupted"], ended["edited_at"]) == (False, True, None)
    assert events_of(room)[-1]["data"] == ended
    assert types_of(room).count("message.edited") == 1
    assert alice.get(path_of(writing)).json()["streaming"]
    assert refusal(append(alice, silent, 7, "!")) == (409, "message.not_streaming")
    assert finish(alice, silent).json() == ended


def test_a_retry_of_the_send_returns_the_text_so_far(alice: Person, room: Any) -> None:
    message = begin(alice, room, client_id="once")
    append(alice, message, 7, "!")
    body = {"client_id": "once", "text": "Twinkle"}

    again = alice.post(f"/v1/rooms/{room['id']}/messages", body | {"streaming": True})
    plain = alice.post(f"/v1/rooms/{room['id']}/messages", body)

    assert (again.status_code, again.json()["text"]) == (200, "Twinkle!")
    assert refusal(plain) == (409, "message.client_id_reused")


def test_the_digest_of_other_sends_is_what_it_was(alice: Person, room: Any) -> None:
    send = Send(alice.session, UUID(room["id"]), "once", "Hi", {}, None)

    assert send.digest() == "f3f875ad1c6accc80d58589fadac4bdffab8c4224f3dc0fee0f4ad867cf6ba2a"
