"""PUT and DELETE /v1/rooms/{id}/messages/{message_id}/reactions/{key}"""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import Message, Reaction
from api.serializers.reactions import canonical_key
from api.services.reactions.write import React
from eventlog.transaction import record_events
from tests.api.stories import events_of, make_room, post_message, refusal, types_of
from tests.clients import Person, codes, join_parley
from wire.problems import Problem

HEART, THUMB = "\u2764\ufe0f", "\U0001f44d"


def url_of(message: Any, key: str) -> str:
    return f"/v1/rooms/{message['room_id']}/messages/{message['id']}/reactions/{quote(key)}"


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob], history="shared")


@pytest.fixture
def message(alice: Person, room: Any) -> Any:
    return post_message(alice, room, "Tea?")


def test_it_works(bob: Person, room: Any, message: Any) -> None:
    response = bob.put(url_of(message, THUMB))

    reacted = response.json()
    assert response.status_code == 200
    reaction = {"key": THUMB, "count": 1, "user_ids": [str(bob.user.id)]}
    assert reacted == message | {"version": 3, "reactions": [reaction]}
    event = events_of(room)[-1]
    assert (event["type"], event["seq"], event["actor_id"]) == ("reaction.changed", 3, str(bob.user.id))
    assert event["data"] == {
        "id": message["id"],
        "room_id": room["id"],
        "seq": 2,
        "version": 3,
        "base_version": 2,
        "change": {"user_id": str(bob.user.id), "key": THUMB, "on": True},
        "reaction": reaction,
    }


def test_a_removed_reaction_is_an_event_with_its_count(alice: Person, bob: Person, room: Any, message: Any) -> None:
    for person in (alice, bob):
        person.put(url_of(message, THUMB))

    response = alice.delete(url_of(message, THUMB))

    rest = {"key": THUMB, "count": 1, "user_ids": [str(bob.user.id)]}
    assert (response.status_code, response.json()["reactions"]) == (200, [rest])
    data = events_of(room)[-1]["data"]
    assert (data["change"]["on"], data["reaction"], data["base_version"]) == (False, rest, 4)


def test_the_last_reaction_of_a_key_removes_it(bob: Person, room: Any, message: Any) -> None:
    bob.put(url_of(message, THUMB))

    reacted = bob.delete(url_of(message, THUMB)).json()

    assert reacted["reactions"] == []
    assert events_of(room)[-1]["data"]["reaction"] == {"key": THUMB, "count": 0, "user_ids": []}
    assert not Reaction.objects.exists()


def test_the_same_reaction_again_writes_nothing(bob: Person, room: Any, message: Any) -> None:
    first = bob.put(url_of(message, THUMB)).json()
    head = len(types_of(room))

    again = bob.put(url_of(message, THUMB))
    gone = [bob.delete(url_of(message, HEART)) for _ in range(2)]

    assert [answer.status_code for answer in (again, *gone)] == [200, 200, 200]
    assert again.json() == gone[0].json() == first
    assert len(types_of(room)) == head


def test_keys_keep_the_order_of_their_first_use(alice: Person, bob: Person, message: Any) -> None:
    for person, key in ((alice, THUMB), (bob, ":tea:"), (bob, THUMB), (alice, ":tea:")):
        reacted = person.put(url_of(message, key)).json()

    assert [(each["key"], each["count"]) for each in reacted["reactions"]] == [(THUMB, 2), (":tea:", 2)]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("\u2764", HEART),
        ("\u2764\ufe0e", HEART),
        (HEART, HEART),
        ("1\u20e3", "1\ufe0f\u20e3"),
        ("\U0001f468\u200d\u2764\u200d\U0001f468", "\U0001f468\u200d\u2764\ufe0f\u200d\U0001f468"),
        ("\U0001f1e9\U0001f1ea", "\U0001f1e9\U0001f1ea"),
        ("\U0001f44d\U0001f3fd", "\U0001f44d\U0001f3fd"),
        (":+1:", ":+1:"),
        (f":{'a' * 32}:", f":{'a' * 32}:"),
    ],
)
def test_an_emoji_is_one_key_in_all_its_forms(given: str, stored: str) -> None:
    assert canonical_key(given) == stored


@pytest.mark.parametrize(
    "key",
    ["a", "1", THUMB + HEART, "\u200d", "\ufe0f", "\U0001f1e9", ":Tea:", "::", f":{'a' * 33}:", ":tea", THUMB * 50],
)
def test_other_texts_are_no_keys(key: str) -> None:
    assert canonical_key(key) is None


def test_a_text_that_is_no_key_is_refused(bob: Person, room: Any, message: Any) -> None:
    response = bob.put(url_of(message, "tea"))

    assert (response.status_code, codes(response)) == (400, {"key": "invalid"})
    assert types_of(room)[-1] == "message.created"


def test_a_field_in_the_body_is_refused(bob: Person, room: Any, message: Any) -> None:
    assert codes(bob.put(url_of(message, THUMB), {"key": THUMB})) == {"key": "unknown"}
    assert types_of(room)[-1] == "message.created"


def test_both_forms_of_an_emoji_are_one_reaction(alice: Person, bob: Person, message: Any) -> None:
    alice.put(url_of(message, "\u2764"))

    reacted = bob.put(url_of(message, HEART)).json()

    assert reacted["reactions"] == [{"key": HEART, "count": 2, "user_ids": [str(alice.user.id), str(bob.user.id)]}]


def test_a_user_has_at_most_ten_on_a_message(bob: Person, room: Any, message: Any) -> None:
    for number in range(10):
        assert bob.put(url_of(message, f":k{number}:")).status_code == 200

    assert refusal(bob.put(url_of(message, ":k10:"))) == (409, "reaction.limit")
    assert bob.put(url_of(message, ":k9:")).status_code == 200


def test_a_message_has_at_most_twenty_keys(alice: Person, bob: Person, message: Any) -> None:
    for number in range(10):
        alice.put(url_of(message, f":a{number}:"))
        bob.put(url_of(message, f":b{number}:"))
    carol = join_parley("carol")
    alice.put(f"/v1/rooms/{message['room_id']}/members/{carol.user.id}", {})

    assert refusal(carol.put(url_of(message, ":c:"))) == (409, "reaction.limit")
    assert carol.put(url_of(message, ":a0:")).json()["reactions"][0]["count"] == 2


def test_others_take_the_place_of_a_removed_user_among_the_first_five(alice: Person, room: Any, message: Any) -> None:
    people = [join_parley(f"person{number}") for number in range(8)]
    for person in people:
        alice.put(f"/v1/rooms/{room['id']}/members/{person.user.id}", {})
        person.put(url_of(message, THUMB))
    ids = [str(person.user.id) for person in people]

    shown = []
    for person in (people[1], people[6], people[0]):
        [reaction] = person.delete(url_of(message, THUMB)).json()["reactions"]
        shown.append((reaction["count"], [ids.index(user_id) for user_id in reaction["user_ids"]]))

    assert shown == [(7, [0, 2, 3, 4, 5]), (6, [0, 2, 3, 4, 5]), (5, [2, 3, 4, 5, 7])]


def test_an_edit_after_a_reaction_keeps_it_and_is_no_conflict(alice: Person, bob: Person, message: Any) -> None:
    reacted = bob.put(url_of(message, THUMB)).json()
    path = f"/v1/rooms/{message['room_id']}/messages/{message['id']}"

    edited = alice.patch(path, {"text": "Tea!", "if_version": message["version"]})
    again = alice.patch(path, {"text": "Coffee", "if_version": reacted["version"]})

    assert (edited.status_code, edited.json()["reactions"]) == (200, reacted["reactions"])
    assert refusal(again) == (409, "message.version_conflict")


def test_if_version_may_be_that_of_the_last_reaction(alice: Person, bob: Person, message: Any) -> None:
    reacted = bob.put(url_of(message, THUMB)).json()
    path = f"/v1/rooms/{message['room_id']}/messages/{message['id']}"

    assert alice.patch(path, {"text": "Tea!", "if_version": reacted["version"] + 1}).status_code == 409
    assert alice.patch(path, {"text": "Tea!", "if_version": reacted["version"]}).status_code == 200


def test_a_deletion_removes_the_reactions_and_keeps_their_events(
    alice: Person, bob: Person, room: Any, message: Any
) -> None:
    bob.put(url_of(message, THUMB))
    [event] = [event for event in events_of(room) if event["type"] == "reaction.changed"]
    path = f"/v1/rooms/{message['room_id']}/messages/{message['id']}"

    alice.delete(path)

    assert alice.get(path).json()["reactions"] == []
    assert not Reaction.objects.exists()
    assert event in events_of(room)
    assert "Tea?" not in str(events_of(room))


def test_a_tombstone_takes_no_reaction(alice: Person, bob: Person, message: Any) -> None:
    alice.delete(f"/v1/rooms/{message['room_id']}/messages/{message['id']}")

    assert refusal(bob.put(url_of(message, THUMB))) == (409, "message.deleted")
    assert bob.delete(url_of(message, THUMB)).status_code == 200


def test_an_outsider_cannot_react(charlie: Person, room: Any, message: Any) -> None:
    for method in ("PUT", "DELETE", "GET"):
        path = url_of(message, THUMB) if method != "GET" else url_of(message, THUMB).rpartition("/")[0]
        assert refusal(charlie.request(method, path)) == (404, "not_found")
    assert types_of(room)[-1] == "message.created"


def test_an_archived_room_takes_no_reaction(alice: Person, room: Any, message: Any) -> None:
    alice.delete(f"/v1/rooms/{room['id']}")

    assert refusal(alice.put(url_of(message, THUMB))) == (409, "room.archived")


def test_only_admins_react_where_only_admins_write(alice: Person, bob: Person, room: Any, message: Any) -> None:
    alice.patch(f"/v1/rooms/{room['id']}", {"posting": "admins"})

    assert "react" not in bob.get(f"/v1/rooms/{room['id']}").json()["me"]["can"]
    assert refusal(bob.put(url_of(message, THUMB))) == (403, "room.read_only")
    assert alice.put(url_of(message, THUMB)).status_code == 200


def test_a_message_from_before_the_join_is_not_found(alice: Person, charlie: Person) -> None:
    room = make_room(alice, history="since_joined")
    message = post_message(alice, room, "early")
    alice.put(f"/v1/rooms/{room['id']}/members/{charlie.user.id}", {})

    assert refusal(charlie.put(url_of(message, THUMB))) == (404, "not_found")


def test_an_ended_session_cannot_react(bob: Person, room: Any, message: Any) -> None:
    session = bob.session
    bob.post("/v1/auth/logout-all")
    [result] = write([React(session, UUID(room["id"]), UUID(message["id"]), THUMB, True)])

    assert isinstance(result, Problem)
    assert result.code == "auth.invalid_token"
    assert types_of(room)[-1] == "message.created"


def test_a_message_of_another_room_is_not_found(alice: Person, room: Any, message: Any) -> None:
    other = make_room(alice)

    response = alice.put(url_of(message | {"room_id": other["id"]}, THUMB))

    assert refusal(response) == (404, "not_found")


def write(reacts: list[React]) -> list[Any]:
    with record_events(rooms={react.room_id for react in reacts}) as log:
        return React.write(log, reacts)


def test_a_batch_writes_the_row_of_a_message_once(alice: Person, bob: Person, room: Any, message: Any) -> None:
    room_id, message_id = UUID(room["id"]), UUID(message["id"])
    batch = [
        React(person.session, room_id, message_id, f":k{number}:", True)
        for person in (alice, bob)
        for number in range(5)
    ]
    queries = {}
    for size in (1, 10):
        with CaptureQueriesContext(connection) as captured:
            results = write(batch[:size])
        queries[size] = len(captured)

    assert queries[1] == queries[10]
    assert sum(f"UPDATE {Message._meta.db_table}" in query["sql"] for query in captured) == 1
    assert len(set(results)) == 1
    assert [each["count"] for each in json.loads(results[0])["reactions"]] == [2] * 5


def test_a_reaction_that_is_removed_in_the_same_batch_leaves_two_events(bob: Person, room: Any, message: Any) -> None:
    react = React(bob.session, UUID(room["id"]), UUID(message["id"]), THUMB, True)

    write([react, replace(react, on=False)])

    assert [event["data"]["change"]["on"] for event in events_of(room)[-2:]] == [True, False]
    assert not Reaction.objects.exists()
