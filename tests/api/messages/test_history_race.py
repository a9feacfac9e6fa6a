"""A page takes two statements: a change between them must not show a message to a user who may not see it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from tests.api.stories import make_room, post_message
from tests.clients import Person


class Meanwhile:
    """Around the statements of a block: does something, once, before messages are read."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work: Callable[[], object] | None = work

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        work = self.work
        if work is not None and 'FROM "api_message"' in sql:
            self.work = None
            work()
        return execute(sql, params, many, context)


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob], history="shared")


def test_an_edit_after_my_removal_is_not_shown(alice: Person, bob: Person, room: Any) -> None:
    url = f"/v1/rooms/{room['id']}"
    message = post_message(alice, room, "for all")

    def remove_and_edit() -> None:
        alice.delete(f"{url}/members/{bob.user.id}")
        alice.patch(f"{url}/messages/{message['id']}", {"text": "not for bob"})

    with connection.execute_wrapper(Meanwhile(remove_and_edit)):
        response = bob.get(f"{url}/messages")

    assert response.status_code == 404


def test_an_edit_is_shown_to_a_member(alice: Person, bob: Person, room: Any) -> None:
    url = f"/v1/rooms/{room['id']}"
    edited = f"{url}/messages/{post_message(alice, room, 'for all')['id']}"

    with connection.execute_wrapper(Meanwhile(lambda: alice.patch(edited, {"text": "for bob too"}))):
        response = bob.get(f"{url}/messages")

    assert response.json()["results"][0]["text"] == "for bob too"
