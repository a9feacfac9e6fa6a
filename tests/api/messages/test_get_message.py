"""GET /v1/rooms/{id}/messages/{message_id}"""

from uuid import uuid4

from tests.api.stories import make_room, post_message, refusal
from tests.clients import Person


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    message = post_message(alice, room, "Hi")

    response = bob.get(f"/v1/rooms/{room['id']}/messages/{message['id']}")

    assert (response.status_code, response.json()) == (200, message)


def test_an_outsider_reads_nothing(alice: Person, charlie: Person) -> None:
    private, public = make_room(alice), make_room(alice, kind="public")
    secret, open_secret = post_message(alice, private, "1"), post_message(alice, public, "2")

    assert refusal(charlie.get(f"/v1/rooms/{private['id']}/messages/{secret['id']}")) == (404, "not_found")
    assert refusal(charlie.get(f"/v1/rooms/{public['id']}/messages/{open_secret['id']}")) == (403, "room.not_member")


def test_an_unknown_message_or_one_of_another_room_is_not_found(alice: Person, charlie: Person) -> None:
    room, other = make_room(alice), make_room(charlie)
    elsewhere = post_message(charlie, other, "Hi")

    for message_id in (uuid4(), elsewhere["id"], "tea"):
        assert refusal(alice.get(f"/v1/rooms/{room['id']}/messages/{message_id}")) == (404, "not_found")


def test_a_message_from_before_the_join_is_not_found(alice: Person, bob: Person) -> None:
    room, shared = make_room(alice), make_room(alice, history="shared")
    hidden, open_to_all = post_message(alice, room, "1"), post_message(alice, shared, "2")
    for each in (room, shared):
        alice.put(f"/v1/rooms/{each['id']}/members/{bob.user.id}")

    assert refusal(bob.get(f"/v1/rooms/{room['id']}/messages/{hidden['id']}")) == (404, "not_found")
    assert bob.get(f"/v1/rooms/{shared['id']}/messages/{open_to_all['id']}").status_code == 200
