"""The heads of inboxes: made at the first write to one, and only for users."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from eventlog.models import StreamHead
from eventlog.transaction import record_events
from tests.api.stories import make_room
from tests.clients import Person
from tests.identity.backends import Backend

CALLS: list[tuple[str, str, Any, int]] = [
    ("DELETE", "rooms/{room}/invites/{nobody}", None, 204),
    ("DELETE", "rooms/{room}/members/{nobody}", None, 404),
    ("DELETE", "rooms/{room}/bans/{nobody}", None, 204),
    ("DELETE", "rooms/{room}/mutes/{nobody}", None, 204),
    ("DELETE", "me/blocks/{nobody}", None, 204),
    ("PUT", "rooms/{room}/invites/{nobody}", None, 404),
    ("PUT", "rooms/{room}/members/{nobody}", {}, 404),
    ("PUT", "rooms/{room}/bans/{nobody}", {}, 404),
    ("PUT", "rooms/{room}/mutes/{nobody}", {}, 404),
    ("PUT", "rooms/direct/{nobody}", None, 404),
    ("PUT", "me/blocks/{nobody}", None, 404),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), CALLS)
def test_a_call_about_nobody_makes_no_head(alice: Person, method: str, path: str, body: Any, status: int) -> None:
    room, nobody = make_room(alice), uuid4()
    before = set(StreamHead.objects.values_list("pk", flat=True))

    answer = alice.request(method, f"/v1/{path.format(room=room['id'], nobody=nobody)}", body)

    assert answer.status_code == status
    assert set(StreamHead.objects.values_list("pk", flat=True)) == before


@pytest.mark.parametrize(("method", "status"), [("DELETE", 204), ("PUT", 404)])
def test_a_call_of_a_backend_about_nobody_makes_no_head(alice: Person, method: str, status: int) -> None:
    room, nobody, backend = make_room(alice), uuid4(), Backend()

    answer = backend.request(method, f"/v1/admin/rooms/{room['id']}/members/{nobody}", None)

    assert answer.status_code == status
    assert not StreamHead.objects.filter(pk=nobody).exists()


def test_the_first_write_to_an_inbox_makes_its_head(alice: Person) -> None:
    StreamHead.objects.filter(pk=alice.user.id).delete()

    for _ in range(2):
        with record_events(inboxes=[alice.user.id, uuid4()]) as log:
            assert list(log.heads) == [alice.user.id]

    assert StreamHead.objects.get(pk=alice.user.id).last_seq == 0
