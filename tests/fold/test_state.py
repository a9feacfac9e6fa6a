"""The fold is a checker, so it is tested with faults: each missing or wrong event changes the result."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fold.state import JSON, Snapshot, State, differences

ALICE, BOB, ROOM = "alice", "bob", "room"
SHAPE = {"id": ROOM, "kind": "private", "name": "Tea", "history": "shared", "posting": "everyone", "archived_at": None}


EMPTY: JSON = {
    "mentions": {"users": [], "room": False},
    "reactions": [],
    "pinned_at": None,
    "pinned_by": None,
    "forwarded": None,
    "streaming": False,
}


def event(seq: int, kind: str, data: JSON, room_id: str | None = ROOM) -> JSON:
    return {"type": kind, "room_id": room_id, "seq": seq, "at": f"2026-01-01T00:00:0{seq}.000Z", "data": data}


def member(user_id: str, state: str = "joined", role: str = "member") -> JSON:
    return {"user": {"id": user_id}, "role": role, "state": state, "joined_at": "then", "read_seq": 1}


def message(seq: int, version: int, sender: str, **more: Any) -> JSON:
    return {
        "id": f"m{seq}",
        "seq": seq,
        "version": version,
        "sender": {"id": sender},
        "deleted_at": None,
        "blocked": False,
        "thread_root": None,
        "in_room": False,
        "thread": None,
        **EMPTY,
        **more,
    }


def partial(seq: int, version: int, base_version: int) -> JSON:
    return {"id": f"m{seq}", "room_id": ROOM, "seq": seq, "version": version, "base_version": base_version}


def reacted(seq: int, version: int, base_version: int, user_id: str, count: int) -> JSON:
    change = {"user_id": user_id, "key": ":tea:", "on": True}
    reaction = {"key": ":tea:", "count": count, "user_ids": [BOB, ALICE][:count]}
    return {**partial(seq, version, base_version), "change": change, "reaction": reaction}


NOTHING: Snapshot = {
    "inbox": 0,
    "me": {},
    "blocks": [],
    "unread_total": 0,
    "unread": {},
    "threads": [],
    "rooms": [],
    "lists": {},
}
NOBODY: JSON = {"users": [], "room": False}
CREATED = {**SHAPE, "members": [{"user_id": ALICE, "role": "owner"}, {"user_id": BOB, "role": "member"}]}
LIFE = [
    event(1, "room.added", {**SHAPE, "seq": 1, "peer": None}, None),
    event(1, "room.created", CREATED),
    event(2, "message.created", message(2, 2, BOB, text="one")),
    event(3, "message.edited", message(2, 3, BOB, text="two")),
    event(4, "member.left", member(BOB, "left")),
    event(5, "message.created", message(5, 5, ALICE, text="bye")),
    event(6, "message.deleted", message(2, 6, BOB, text=None) | {"deleted_at": "now"}),
    event(7, "room.updated", {**SHAPE, "name": "Coffee"}),
    event(8, "reaction.changed", reacted(5, 8, 5, BOB, 1)),
    event(9, "reaction.changed", reacted(5, 9, 8, ALICE, 2)),
    event(10, "pin.added", {**partial(5, 10, 9), "pinned_at": "then", "pinned_by": ALICE}),
    event(2, "read.updated", {"room_id": ROOM, "read_seq": 1, "head": 10}, None),
    event(3, "block.added", {"user_id": BOB}, None),
]


def fold(events: list[JSON]) -> JSON:
    state = State(ALICE, NOTHING)
    state.fold(events)
    return state.view()


def test_it_works() -> None:
    view = fold(LIFE)["rooms"][ROOM]

    assert [(message["text"], message["blocked"]) for message in view["messages"]] == [(None, True), ("bye", False)]
    assert list(view["members"]) == [ALICE]
    assert (view["room"]["name"], view["room"]["head"], view["room"]["member_count"]) == ("Coffee", 10, 1)
    assert (view["room"]["me"]["read_seq"], view["room"]["me"]["unread"]) == (1, 0)


def test_partial_events_are_merged() -> None:
    view = fold(LIFE)["rooms"][ROOM]

    assert view["messages"][1]["reactions"] == [{"key": ":tea:", "count": 2, "user_ids": [BOB, ALICE]}]
    assert (view["mine"], view["pins"], view["messages"][1]["version"]) == ({"m5": [":tea:"]}, ["m5"], 10)


def test_a_partial_event_on_another_version_makes_the_room_stale() -> None:
    state = State(ALICE, NOTHING)
    state.fold([*LIFE[:7], event(7, "reaction.changed", reacted(5, 7, 6, BOB, 1))])

    assert state.stale == [ROOM]
    assert state.view()["rooms"][ROOM]["messages"][1]["version"] == 5


def test_a_partial_event_that_a_reply_has_overtaken_changes_nothing() -> None:
    newer = event(6, "message.edited", message(5, 9, ALICE, text="later"))

    folded = fold([*LIFE[:6], newer, event(7, "reaction.changed", reacted(5, 7, 5, BOB, 1))])

    assert folded["rooms"][ROOM]["messages"][1] == newer["data"]


def test_parts_of_a_streamed_text_are_appended_where_they_fit() -> None:
    begun = message(6, 11, BOB, text="Twin", streaming=True)
    parts = [
        event(0, "text.appended", {"id": "m6", "room_id": ROOM, "offset": offset, "text": text}) | {"seq": None}
        for offset, text in ((4, "kle"), (4, "kle"), (9, "hole"))
    ]

    folded = fold([*LIFE[:-1], event(11, "message.created", begun), *parts])["rooms"][ROOM]
    done = message(6, 12, BOB, text="Twinkle!")
    ended = fold([*LIFE[:-1], event(11, "message.created", begun), event(12, "message.edited", done), *parts])

    assert folded["messages"][-1]["text"] == "Twinkle"
    assert ended["rooms"][ROOM]["messages"][-1] == done


def test_of_two_copies_of_a_streamed_message_the_longer_is_kept() -> None:
    state = State(ALICE, NOTHING)
    state.fold([*LIFE[:-1], event(11, "message.created", message(6, 11, BOB, text="Twin", streaming=True))])

    for text in ("Twinkle", "Twink"):
        state.rooms[ROOM].take(message(6, 11, BOB, text=text, streaming=True))

    assert state.view()["rooms"][ROOM]["messages"][-1]["text"] == "Twinkle"


@pytest.mark.parametrize("missing", [2, 4, 5, 6, 7, 8, 9, 10, 12])
def test_a_lost_event_changes_the_folded_view(missing: int) -> None:
    assert differences(fold(LIFE[:missing] + LIFE[missing + 1 :]), fold(LIFE))


def test_a_doubled_event_changes_nothing() -> None:
    assert fold([one for one in LIFE for _ in range(2)]) == fold(LIFE)


def test_inbox_events_may_arrive_before_or_after_room_events() -> None:
    life = LIFE[:-1]  # after block.added the server sends stubs
    inbox = [one for one in life if one["room_id"] is None]
    room = [one for one in life if one["room_id"] is not None]

    assert fold(inbox + room) == fold(room + inbox) == fold(life)


def test_a_read_marker_that_arrives_late_does_not_move_back() -> None:
    mark = event(2, "read.updated", {"room_id": ROOM, "read_seq": 1, "head": 4}, None)

    view = fold([*LIFE[:-2], mark])

    assert view["rooms"][ROOM]["room"]["me"]["read_seq"] == 5


def test_a_missing_event_makes_the_room_stale() -> None:
    state = State(ALICE, NOTHING)

    state.fold([*LIFE[:3], *LIFE[4:]])

    assert state.stale == [ROOM]


def test_a_difference_is_reported_with_its_path() -> None:
    assert differences({"a": [{"b": 1}]}, {"a": [{"b": 2}]}) == ["a[0].b: folded 1, seen 2"]
