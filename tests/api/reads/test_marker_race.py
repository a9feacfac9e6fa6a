"""mark_read during a send of the same user, which moves the marker under another lock: no stale marker is returned."""

from typing import Any
from uuid import UUID

import pytest

from api.models import Member
from api.services import messages, reads, rooms
from tests.clients import join_parley


@pytest.mark.django_db
def test_the_answer_has_the_current_marker(monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = join_parley("alice"), join_parley("bob")
    room, _ = rooms.create_room(session=alice.session, kind="private", name="room", members=[bob.user.id])
    room_id = UUID(str(room["id"]))
    messages.send_message(session=alice.session, room_id=room_id, client_id="a", text="read me")
    find = reads._find

    def find_and_post(*arguments: Any) -> tuple[Member, int]:
        found = find(*arguments)
        messages.send_message(session=bob.session, room_id=room_id, client_id="b", text="from another device")
        return found

    monkeypatch.setattr(reads, "_find", find_and_post)

    assert reads.mark_read(session=bob.session, room_id=room_id, seq=2)["read_seq"] == 3
