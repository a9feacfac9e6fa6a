"""A sync that subscribes: an event between its answer and the subscriptions is in one of the two."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from api.services import members, rooms
from api.services.sync import SyncRequest
from realtime import database
from realtime.authorization import Pair, StreamAccess, authorize_many
from tests.clients import join_parley


@pytest.mark.django_db
def test_a_leave_between_answer_and_authorization_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = join_parley("alice"), join_parley("bob")
    room, _ = rooms.create_room(session=alice.session, kind="private", name="room", members=[bob.user.id])
    room_id = UUID(str(room["id"]))
    requested: list[Sequence[Pair]] = []

    def leave_first(pairs: Sequence[Pair]) -> dict[Pair, StreamAccess]:
        if not requested:
            members.leave_room(session=bob.session, room_id=room_id)
        requested.append(pairs)
        return authorize_many(pairs)

    monkeypatch.setattr(database, "authorize_many", leave_first)

    [going] = database.sync_each([(SyncRequest(bob.user.id, {room_id: 1}, inbox=0), True)])

    assert isinstance(going, tuple)
    synced, admissions = going

    assert [(gone["id"], gone["reason"], gone["seq"]) for gone in synced.data["removed"]] == [(room_id, "left", 2)]
    assert admissions.keys() == synced.cursors.keys() == {bob.user.id}
