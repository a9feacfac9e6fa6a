"""GET /v1/rooms/{id}/messages/{message_id}/versions"""

from typing import Any

from api.services.messages import versions
from tests.api.stories import events_of, make_room, post_message, refusal
from tests.clients import Person


def path_of(message: Any) -> str:
    return f"/v1/rooms/{message['room_id']}/messages/{message['id']}"


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob], history="shared")
    message = post_message(alice, room, "Tee?")
    bob.put(f"{path_of(message)}/reactions/:tea:")
    alice.patch(path_of(message), {"text": "Tea?"})
    alice.patch(path_of(message), {"metadata": {"hot": True}})

    response = bob.get(f"{path_of(message)}/versions")

    at = {event["seq"]: event["at"] for event in events_of(room)}
    nobody = {"users": [], "room": False}
    assert response.status_code == 200
    assert response.json() == {
        "results": [
            {"version": 2, "text": "Tee?", "metadata": {}, "mentions": nobody, "at": at[2]},
            {"version": 4, "text": "Tea?", "metadata": {}, "mentions": nobody, "at": at[4]},
            {"version": 5, "text": "Tea?", "metadata": {"hot": True}, "mentions": nobody, "at": at[5]},
        ]
    }


def test_a_deleted_message_has_none(alice: Person) -> None:
    message = post_message(alice, make_room(alice), "gone")
    alice.delete(path_of(message))

    assert alice.get(f"{path_of(message)}/versions").json() == {"results": []}


def test_a_member_sees_the_versions_from_their_own_time(alice: Person, charlie: Person) -> None:
    room = make_room(alice, history="since_joined")
    message = post_message(alice, room, "early")
    seat = f"/v1/rooms/{room['id']}/members/{charlie.user.id}"
    alice.put(seat, {})
    own = post_message(charlie, room, "mine")
    alice.delete(seat)
    alice.put(seat, {})

    assert refusal(charlie.get(f"{path_of(message)}/versions")) == (404, "not_found")
    assert [each["text"] for each in charlie.get(f"{path_of(own)}/versions").json()["results"]] == ["mine"]


def test_the_newest_are_kept(alice: Person, monkeypatch: Any) -> None:
    message = post_message(alice, make_room(alice), "0")
    for number in range(1, 4):
        alice.patch(path_of(message), {"text": str(number)})
    monkeypatch.setattr(versions, "MAX_VERSIONS", 2)

    assert [each["text"] for each in alice.get(f"{path_of(message)}/versions").json()["results"]] == ["2", "3"]


def test_the_bytes_are_bounded(alice: Person) -> None:
    message = post_message(alice, make_room(alice), "0" * 400)
    alice.patch(path_of(message), {"text": "1" * 400})

    found = versions.get_versions(
        user_id=alice.user.id, room_id=message["room_id"], message_id=message["id"], max_bytes=1_000
    )

    assert [each["text"][0] for each in found["results"]] == ["1"]
