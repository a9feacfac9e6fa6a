"""DELETE /v1/rooms/{id}/messages/{message_id}"""

from typing import Any
from uuid import uuid4

from api.models import Message
from eventlog.models import Event
from tests.api.stories import events_of, make_room, post_message, refusal, types_of
from tests.clients import Person


def url_of(message: Any) -> str:
    return f"/v1/rooms/{message['room_id']}/messages/{message['id']}"


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    message = post_message(bob, room, "Secret")

    response = bob.delete(url_of(message))

    tombstone = alice.get(url_of(message)).json()
    assert (response.status_code, response.content) == (204, b"")
    expected = {"text": None, "metadata": {}, "reply_to": None, "version": 3, "deleted_at": tombstone["deleted_at"]}
    assert tombstone == message | expected
    assert tombstone["deleted_at"] is not None
    assert (events_of(room)[-1]["type"], events_of(room)[-1]["data"]) == ("message.deleted", tombstone)


def test_the_text_of_a_deleted_message_is_removed_everywhere(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    first = post_message(alice, room, "First")
    body = {"client_id": "1", "text": "Secret", "metadata": {"secret": "Secret"}, "reply_to": first["id"]}
    message = alice.post(f"/v1/rooms/{room['id']}/messages", body).json()
    alice.patch(url_of(message), {"text": "Secret still"})

    alice.delete(url_of(message))

    tombstone = bob.get(url_of(message)).json()
    assert [event["data"] for event in events_of(room)[2:]] == [tombstone] * 3
    assert [event["seq"] for event in events_of(room)] == [1, 2, 3, 4, 5]
    assert not Event.objects.filter(data__icontains="secret").exists()
    assert not Message.objects.filter(data__icontains="secret").exists()
    assert bob.get(f"/v1/rooms/{room['id']}/messages").json()["results"] == [first, tombstone]
    assert bob.get(f"/v1/rooms/{room['id']}").json()["last_message"] == tombstone
    assert events_of(room)[1]["data"] == first


def test_deleting_twice_writes_one_event(alice: Person) -> None:
    room = make_room(alice)
    message = post_message(alice, room, "Hi")
    alice.delete(url_of(message))

    response = alice.delete(url_of(message))

    assert response.status_code == 204
    assert types_of(room) == ["room.created", "message.created", "message.deleted"]


def test_an_admin_deletes_messages_of_others(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob, charlie])
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "admin"})
    by_charlie, by_alice = post_message(charlie, room, "1"), post_message(alice, room, "2")

    assert bob.delete(url_of(by_charlie)).status_code == 204
    assert bob.delete(url_of(by_alice)).status_code == 204
    assert events_of(room)[-1]["actor_id"] == str(bob.user.id)
    assert events_of(room)[-1]["data"]["sender"]["username"] == "alice"


def test_a_member_deletes_only_their_own_messages(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    message = post_message(alice, room, "Hi")

    assert refusal(bob.delete(url_of(message))) == (403, "message.not_author")
    assert alice.get(url_of(message)).json() == message


def test_no_one_deletes_messages_of_the_other_in_a_direct_room(alice: Person, bob: Person) -> None:
    room = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()
    message = post_message(bob, room, "Hi")

    assert refusal(alice.delete(url_of(message))) == (403, "message.not_author")
    assert bob.delete(url_of(message)).status_code == 204


def test_an_outsider_deletes_nothing(alice: Person, charlie: Person) -> None:
    private, public = (
        post_message(alice, make_room(alice), "1"),
        post_message(alice, make_room(alice, kind="public"), "2"),
    )

    assert refusal(charlie.delete(url_of(private))) == (404, "not_found")
    assert refusal(charlie.delete(url_of(public))) == (403, "room.not_member")


def test_no_message_of_an_archived_room_can_be_deleted(alice: Person) -> None:
    room = make_room(alice)
    message = post_message(alice, room, "Hi")
    alice.delete(f"/v1/rooms/{room['id']}")

    assert refusal(alice.delete(url_of(message))) == (409, "room.archived")


def test_deleting_an_unknown_or_invisible_message_is_not_found(alice: Person, bob: Person) -> None:
    room = make_room(alice)
    before = post_message(alice, room, "Before Bob")
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "admin"})

    assert refusal(bob.delete(url_of(before))) == (404, "not_found")
    assert refusal(alice.delete(url_of(before | {"id": uuid4()}))) == (404, "not_found")


def test_a_deleted_message_is_no_longer_unread(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    message = post_message(alice, room, "Hi")
    assert bob.get(f"/v1/rooms/{room['id']}").json()["me"]["unread"] == 1

    alice.delete(url_of(message))

    assert bob.get(f"/v1/rooms/{room['id']}").json()["me"]["unread"] == 0
