"""A Room takes several statements: a message sent between them is not in its unread counts and not in its head."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from tests.api.stories import make_room, post_message, reply_in_thread
from tests.clients import Person


class Meanwhile:
    """Around the statements of a block: does something, once, before the unread messages are counted."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work: Callable[[], object] | None = work

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        work = self.work
        if work is not None and "AS counted" in sql:
            self.work = None
            work()
        return execute(sql, params, many, context)


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob])


def read(person: Person, path: str) -> Any:
    body: dict[str, Any] = {"rooms": {}}
    return person.post(path, body).json() if path.endswith("sync") else person.get(path).json()


@pytest.mark.parametrize("path", ["rooms/{id}", "rooms", "sync"])
def test_a_message_above_the_head_is_not_counted(alice: Person, bob: Person, room: Any, path: str) -> None:
    root = post_message(bob, room, "Tea?")
    named = {"users": [str(bob.user.id)]}

    def work() -> None:
        alice.post(f"/v1/rooms/{room['id']}/messages", {"client_id": "c1", "text": "hi", "mentions": named})
        reply_in_thread(alice, room, root)

    meanwhile = Meanwhile(work)
    with connection.execute_wrapper(meanwhile):
        answer = read(bob, f"/v1/{path.format(**room)}")

    shown = answer["results"][0] if path == "rooms" else answer["rooms"][0]["room"] if path == "sync" else answer
    assert meanwhile.work is None, "nothing was counted"
    assert shown["head"] == root["seq"]
    assert [shown["me"][name] for name in ("unread", "unread_mentions", "unread_threads")] == [0, 0, 0]
    later = bob.get(f"/v1/rooms/{room['id']}").json()["me"]
    assert [later[name] for name in ("unread", "unread_mentions", "unread_threads")] == [1, 1, 1]
