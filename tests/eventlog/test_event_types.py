"""The registry of event types."""

from typing import Any

import pytest

from api.serializers.members import MemberSerializer
from eventlog.event_types import (
    MEMBERSHIP_EFFECTS,
    EventType,
    StreamKind,
    declared_types,
    is_of_inbox,
    register,
)


def test_a_type_is_declared_once() -> None:
    before = declared_types()

    with pytest.raises(ValueError, match=r"member\.left is declared twice"):
        register(EventType("member.left", MemberSerializer, StreamKind.ROOM, True, "Again."))

    assert declared_types() == before


def test_a_name_may_be_durable_in_one_stream_and_ephemeral_in_another() -> None:
    both = [each for each in declared_types() if each.name == "read.updated"]

    assert {(each.stream, each.durable) for each in both} == {(StreamKind.INBOX, True), (StreamKind.ROOM, False)}


@pytest.mark.parametrize(
    ("name", "seq", "expected"),
    [
        ("room.added", 7, True),
        ("read.updated", 7, True),
        ("read.updated", None, False),  # of another member of a room
        ("message.created", 7, False),
        ("poll.opened", 7, False),  # of a newer release that runs beside this one
    ],
)
def test_durable_inbox_types_belong_to_the_inbox(name: str, seq: int | None, expected: bool) -> None:
    assert is_of_inbox(name, seq) is expected


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("room.created", {"members": [{"user_id": "a"}, {"user_id": "b"}]}, {"a": True, "b": True}),
        ("member.joined", {"user": {"id": "a"}}, {"a": True}),
        ("member.left", {"user": {"id": "a"}}, {"a": False}),
        ("member.removed", {"user": {"id": "a"}}, {"a": False}),
    ],
)
def test_types_that_change_memberships_have_an_effect(name: str, data: Any, expected: dict[str, bool]) -> None:
    assert MEMBERSHIP_EFFECTS[name](data) == expected


def test_no_other_type_changes_memberships() -> None:
    assert set(MEMBERSHIP_EFFECTS) == {"room.created", "member.joined", "member.left", "member.removed"}
