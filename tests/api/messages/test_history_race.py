"""A page takes two statements: what happens between them must not show anybody what is not theirs to see."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.db import connection

from accounts.models import Session
from api.services import history, members, messages, rooms
from api.services.sending import send_message
from tests.clients import join_parley
from wire.problems import Problem

pytestmark = pytest.mark.django_db


class Meanwhile:
    """Around the statements of a block: does something, once, before messages are read."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.work: Callable[[], None] | None = work

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        work = self.work
        if work is not None and 'FROM "api_message"' in sql:
            self.work = None
            work()
        return execute(sql, params, many, context)


def make_room(owner: Session, member: Session) -> tuple[UUID, UUID]:
    """A room with one message of its owner; both ids."""
    room, _ = rooms.create_room(session=owner, kind="private", name="room", history="shared", members=[member.user_id])
    room_id = UUID(str(room["id"]))
    said, _ = send_message(session=owner, room_id=room_id, client_id="a", text="for all")
    return room_id, UUID(orjson.loads(said)["id"])


def test_an_edit_after_my_removal_is_not_shown() -> None:
    alice, bob = join_parley("alice").session, join_parley("bob").session
    room_id, message_id = make_room(alice, bob)

    def remove_and_edit() -> None:
        members.remove_member(session=alice, room_id=room_id, user_id=bob.user_id)
        messages.edit_message(session=alice, room_id=room_id, message_id=message_id, text="not for bob")

    with connection.execute_wrapper(Meanwhile(remove_and_edit)), pytest.raises(Problem, match="not_found"):
        history.get_messages(user_id=bob.user_id, room_id=room_id)


def test_an_edit_is_shown_to_a_member() -> None:
    alice, bob = join_parley("alice").session, join_parley("bob").session
    room_id, message_id = make_room(alice, bob)

    def edit() -> None:
        messages.edit_message(session=alice, room_id=room_id, message_id=message_id, text="for bob too")

    with connection.execute_wrapper(Meanwhile(edit)):
        page = history.get_messages(user_id=bob.user_id, room_id=room_id)

    assert orjson.loads(orjson.dumps(page["results"]))[0]["text"] == "for bob too"
