"""`mine`: the keys with which the user reacted to the messages beside it."""

from typing import Any
from uuid import UUID

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import Message
from api.serializers.message_shape import DEFAULTS
from api.services.reactions.reacted import SHOWN_USERS
from api.services.reactions.write import React
from eventlog.transaction import record_events
from tests.api.reactions.test_react import THUMB, url_of
from tests.api.stories import make_room, post_message
from tests.clients import Person, join_parley

# Metadata with the names that a Message has after it.
LOOKALIKE = {"a": 1, "reactions": [{"key": ":fake:", "count": 9, "user_ids": []}], "thread_root": None}


@pytest.fixture
def crowd() -> list[Person]:
    """One user more than a Message names for a key, and another."""
    return [join_parley(f"person{number}") for number in range(SHOWN_USERS + 2)]


@pytest.fixture
def room(alice: Person, bob: Person, crowd: list[Person]) -> Any:
    return make_room(alice, members=[bob, *crowd], history="shared")


@pytest.fixture
def message(alice: Person, room: Any) -> Any:
    return post_message(alice, room, "Tea?")


def url(room: Any) -> str:
    return f"/v1/rooms/{room['id']}/messages"


def react_all(people: list[Person], message: Any, key: str) -> None:
    ids = UUID(message["room_id"]), UUID(message["id"])
    with record_events(rooms=ids[:1]) as log:
        React.write(log, [React(person.session, *ids, key, True) for person in people])


def test_it_works(alice: Person, bob: Person, room: Any, message: Any) -> None:
    post_message(alice, room, "plain")
    for key in (THUMB, ":tea:"):
        bob.put(url_of(message, key))

    mine = {message["id"]: [THUMB, ":tea:"]}
    assert bob.get(url(room)).json()["mine"] == mine
    assert bob.get(f"{url(room)}/{message['id']}").json()["mine"] == mine
    assert alice.get(url(room)).json()["mine"] == alice.get(f"{url(room)}/{message['id']}").json()["mine"] == {}


def test_it_has_the_keys_of_a_user_whom_the_message_does_not_name(
    alice: Person, bob: Person, crowd: list[Person], room: Any, message: Any
) -> None:
    second = post_message(alice, room, "Cake?")
    react_all(crowd, message, ":tea:")
    react_all([bob, *crowd], message, THUMB)
    react_all([*crowd[:-1], bob], second, ":cake:")
    last = crowd[-1]

    assert last.get(url(room)).json()["mine"] == {message["id"]: [":tea:", THUMB]}
    assert last.get(f"{url(room)}/{message['id']}").json()["mine"] == {message["id"]: [":tea:", THUMB]}
    assert last.get(f"{url(room)}/{second['id']}").json()["mine"] == {}
    assert bob.get(url(room)).json()["mine"] == {message["id"]: [THUMB], second["id"]: [":cake:"]}


def test_only_users_who_are_not_named_take_a_query(
    alice: Person, bob: Person, crowd: list[Person], room: Any, message: Any
) -> None:
    def count(person: Person) -> int:
        person.get(url(room))
        with CaptureQueriesContext(connection) as captured:
            person.get(url(room))
        return len(captured)

    plain = count(bob)
    react_all(crowd[:SHOWN_USERS], message, THUMB)
    assert count(bob) == count(crowd[0]) == plain

    for other in (message, post_message(alice, room, "Cake?")):
        react_all(crowd, other, THUMB)
    assert count(crowd[0]) == plain
    assert count(bob) == count(crowd[-1]) == plain + 1


def test_metadata_is_not_taken_for_reactions(alice: Person, room: Any) -> None:
    body = {"client_id": "1", "text": '"reactions":[{"key":1}],"thread_root":', "metadata": LOOKALIKE}
    sent = alice.post(url(room), body).json()
    assert alice.get(url(room)).json()["mine"] == {}

    alice.put(url_of(sent, THUMB))

    assert alice.get(url(room)).json()["mine"] == {sent["id"]: [THUMB]}


def test_metadata_of_an_earlier_release_is_not_taken_for_reactions(alice: Person, room: Any, message: Any) -> None:
    alice.put(f"/v1/rooms/{room['id']}/pins/{message['id']}")
    shape = {name: value for name, value in message.items() if name not in DEFAULTS} | {"metadata": LOOKALIKE}
    Message.objects.filter(pk=message["id"]).update(data=orjson.dumps(shape).decode())

    for path in (url(room), f"/v1/rooms/{room['id']}/pins"):
        answer = alice.get(path).json()
        assert (answer["mine"], answer["results"][0]["metadata"]) == ({}, LOOKALIKE)
