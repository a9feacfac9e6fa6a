"""POST /v1/rooms/{id}/messages with `forward`"""

from typing import Any
from uuid import UUID, uuid4

import pytest

from api.models import Forward, Job
from api.services import erasure, jobs
from api.services.messages import Send
from tests.api.stories import events_of, make_room, post_message, refusal, types_of
from tests.clients import PASSWORD, Person, codes, join_parley


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob], history="shared")


def forward(person: Person, message: Any, room: Any, text: str = "", **more: Any) -> Any:
    body = {"client_id": uuid4().hex, "text": text, "forward": ids_of(message), **more}
    return person.post(f"/v1/rooms/{room['id']}/messages", body)


def ids_of(message: Any) -> dict[str, str]:
    return {"room_id": message["room_id"], "message_id": message["id"]}


def test_it_works(alice: Person, bob: Person, room: Any) -> None:
    original = post_message(alice, room, "We're all mad here")
    other = make_room(bob)

    response = forward(bob, original, other, "look")

    sent = response.json()
    assert (response.status_code, sent["text"], sent["sender"]["username"]) == (201, "look", "bob")
    assert sent["forwarded"] == {
        "message_id": original["id"],
        "room_id": room["id"],
        "sender": original["sender"],
        "text": "We're all mad here",
        "attachments": [],
        "created_at": original["created_at"],
    }
    assert events_of(other)[-1]["data"] == sent
    assert types_of(room)[-1] == "message.created"


def test_a_forward_needs_no_text(bob: Person, alice: Person, room: Any) -> None:
    original = post_message(alice, room, "Tea?")

    sent = forward(bob, original, room).json()

    assert (sent["text"], sent["forwarded"]["text"]) == ("", "Tea?")
    path = f"/v1/rooms/{room['id']}/messages/{sent['id']}"
    assert bob.patch(path, {"text": "now with words"}).status_code == 200
    assert bob.patch(path, {"text": ""}).json()["forwarded"] == sent["forwarded"]


def test_a_message_without_text_and_forward_is_refused(bob: Person, room: Any) -> None:
    response = bob.post(f"/v1/rooms/{room['id']}/messages", {"client_id": "1", "text": "", "forward": None})

    assert (response.status_code, codes(response)) == (400, {"text": "blank"})


def test_the_copy_stays_when_the_original_changes(alice: Person, bob: Person, room: Any) -> None:
    original = post_message(alice, room, "Tea?")
    sent = forward(bob, original, room).json()
    path = f"/v1/rooms/{room['id']}/messages"

    alice.patch(f"{path}/{original['id']}", {"text": "Coffee?"})
    alice.delete(f"{path}/{original['id']}")

    assert bob.get(f"{path}/{sent['id']}").json() == sent


def test_a_forward_of_a_bare_forward_shows_the_first_message(alice: Person, bob: Person, room: Any) -> None:
    original = post_message(alice, room, "Tea?")
    bare, commented = forward(bob, original, room).json(), forward(bob, original, room, "look").json()

    again, other = forward(bob, bare, room).json(), forward(bob, commented, room).json()

    assert again["forwarded"] == bare["forwarded"]
    assert (other["forwarded"]["message_id"], other["forwarded"]["text"]) == (commented["id"], "look")


def test_a_retry_is_the_first_forward(alice: Person, bob: Person, room: Any) -> None:
    original = post_message(alice, room, "Tea?")
    first = forward(bob, original, room, client_id="once")
    alice.delete(f"/v1/rooms/{room['id']}/messages/{original['id']}")

    again = forward(bob, original, room, client_id="once")
    other = forward(bob, post_message(alice, room, "Coffee?"), room, client_id="once")

    assert (again.status_code, again.json()) == (200, first.json())
    assert refusal(other) == (409, "message.client_id_reused")


def test_the_digest_of_a_plain_send_is_that_of_earlier_releases(bob: Person, room: Any) -> None:
    send = Send(bob.session, UUID(room["id"]), "1", "Tea?", {"a": 1}, None)

    assert send.digest() == "25dfb751b375d41804a57b0e6e23071207cc1e897a0fc329d220bd174c7e00ce"


def test_what_the_sender_does_not_see_is_not_found(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    hidden, theirs = post_message(alice, room, "secret"), make_room(charlie)
    public = make_room(alice, kind="public")
    left = post_message(alice, public, "public")

    for message in (hidden, left, {"room_id": theirs["id"], "id": hidden["id"]}, {"room_id": uuid4(), "id": uuid4()}):
        assert refusal(forward(charlie, message, theirs)) == (404, "not_found")
    assert types_of(theirs) == ["room.created"]


def test_a_message_from_before_the_join_is_not_found(alice: Person, charlie: Person) -> None:
    room = make_room(alice, history="since_joined")
    early = post_message(alice, room, "early")
    alice.put(f"/v1/rooms/{room['id']}/members/{charlie.user.id}", {})
    late = post_message(alice, room, "late")

    assert refusal(forward(charlie, early, room)) == (404, "not_found")
    assert forward(charlie, late, room).status_code == 201


def test_a_deleted_message_is_not_forwarded(alice: Person, room: Any) -> None:
    message = post_message(alice, room, "gone")
    alice.delete(f"/v1/rooms/{room['id']}/messages/{message['id']}")

    assert refusal(forward(alice, message, room)) == (409, "message.deleted")


def test_a_tombstone_forwards_nothing(alice: Person, bob: Person, room: Any) -> None:
    sent = forward(bob, post_message(alice, room, "canary"), room).json()
    alice.delete(f"/v1/rooms/{room['id']}/messages/{sent['forwarded']['message_id']}")

    bob.delete(f"/v1/rooms/{room['id']}/messages/{sent['id']}")

    assert "canary" not in str(events_of(room))
    assert not Forward.objects.exists()


def test_the_author_is_erased_in_rooms_where_they_never_were(alice: Person, bob: Person, room: Any) -> None:
    dora = join_parley("dormouse", "The Dormouse")
    alice.put(f"/v1/rooms/{room['id']}/members/{dora.user.id}", {})
    theirs = make_room(bob)
    sent = forward(bob, post_message(dora, room, "twinkle"), theirs, "look").json()
    bob.patch(f"/v1/rooms/{theirs['id']}/messages/{sent['id']}", {"text": "look here"})

    dora.delete("/v1/me", {"password": PASSWORD})
    assert jobs.finish(Job.objects.all())

    assert "ormouse" not in str(events_of(theirs))
    assert types_of(theirs)[-1] == "user.erased"
    shown = bob.get(f"/v1/rooms/{theirs['id']}/messages/{sent['id']}").json()["forwarded"]
    assert (shown["text"], shown["sender"]) == ("twinkle", events_of(theirs)[-1]["data"]["user"])
    late = forward(bob, sent | {"text": ""}, theirs).json()
    assert "ormouse" not in str(late)


def test_erase_user_removes_forwards_of_their_text(alice: Person, bob: Person, room: Any) -> None:
    dora = join_parley("dormouse")
    alice.put(f"/v1/rooms/{room['id']}/members/{dora.user.id}", {})
    theirs = make_room(bob)
    sent = forward(bob, post_message(dora, room, "twinkle"), theirs).json()
    post_message(bob, theirs, "mine")

    assert erasure.erase_user(user=dora.user, actor="operator")
    assert jobs.finish(Job.objects.all())

    assert "twinkle" not in str(events_of(theirs)) + str(events_of(room))
    tombstone = bob.get(f"/v1/rooms/{theirs['id']}/messages/{sent['id']}").json()
    assert (tombstone["text"], tombstone["forwarded"], tombstone["sender"]["username"]) == (None, None, "bob")
    assert [each["type"] for each in events_of(theirs)].count("message.deleted") == 1
