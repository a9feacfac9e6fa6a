"""The checker finds broken promises about blocks, threads, streamed messages and presence."""

from typing import Any

import orjson
import pytest

from tests.chaos.checker import check
from tests.chaos.handmade import ALICE, BOB, ROOM, Story, all_is_well, canary, event

SHAPE: dict[str, Any] = {
    "thread_root": None,
    "in_room": False,
    "thread": None,
    "room_id": ROOM,
    "created_at": "now",
    "edited_at": None,
    "deleted_at": None,
    "streaming": False,
    "mentions": {"users": [], "room": False},
    "attachments": [],
    "metadata": {},
    "reply_to": None,
    "forwarded": None,
    "blocked": False,
}
STUB = {"text": None, "blocked": True}


def broken_promises(story: Story) -> set[str]:
    """The promises that a history breaks; the rows have the whole messages."""
    for each in story.log:
        if each["type"] == "message.created":
            each["data"] = SHAPE | each["data"]
    records = story.end()
    data = {each["data"]["id"]: each["data"] for each in story.log if each["type"] == "message.created"}
    for record in records:
        for row in record["rows"] if record["kind"] == "end_message" else ():
            row["data"] = orjson.dumps(data[row["id"]]).decode()
    return {anomaly.promise for anomaly in check(records).anomalies}


def call(story: Story, what: str, second: float, user: str = BOB, **facts: Any) -> None:
    """A call that succeeds."""
    op = len(story.records)
    who = {"device": f"{user}.0", "user": user, "session": f"s-{user}", "via": "ws", "server": 0}
    story.add("call", second, op=op, what=what, **who, **facts)
    story.add("done", second + 0.1, op=op, status=200, code=None)


def receive(story: Story, second: float, **changes: Any) -> None:
    """A message of Alice at this second: Alice gets it, and Bob gets it with these changes."""
    seq = len(story.log) + 1
    story.send(seq, second)
    sent = story.log[-1]
    sent["data"] = SHAPE | sent["data"]
    story.get(ALICE, sent, second + 0.2)
    story.get(BOB, {**sent, "data": sent["data"] | changes}, second + 0.2)


@pytest.mark.parametrize(("stub", "is_broken"), [(STUB, set()), ({}, {"blocked"}), ({"blocked": True}, {"agreement"})])
def test_a_message_of_a_blocked_user_that_comes_whole_is_found(stub: dict[str, Any], is_broken: set[str]) -> None:
    story = all_is_well()
    call(story, "block", 5, target=ALICE)
    receive(story, 10, **stub)

    assert broken_promises(story) == is_broken


def test_bytes_of_a_blocked_user_are_found() -> None:
    story = all_is_well()
    call(story, "block", 5, target=ALICE)
    receive(story, 10, **STUB)
    story.add("canary", 11, user=BOB, token=canary(5), where="GET rooms")

    assert broken_promises(story) == {"blocked"}


@pytest.mark.parametrize(("second", "is_broken"), [(20, set()), (50, {"hidden"})])
def test_a_stub_long_after_the_end_of_a_block_is_found(second: float, is_broken: set[str]) -> None:
    story = all_is_well()
    call(story, "block", 5, target=ALICE)
    call(story, "unblock", 8, target=ALICE)
    receive(story, second, **STUB)

    assert broken_promises(story) == is_broken


def reply(story: Story) -> None:
    """A reply of Bob in the thread of Alice's message 4, and the thread as the root has it."""
    story.send(5, 5, sender=BOB)
    story.log[4]["data"]["thread_root"] = "m4"
    thread = {"reply_count": 1, "last_seq": 5}
    data = {"id": "m4", "seq": 4, "version": 6, "base_version": 4, "thread": thread}
    story.log.append(event(6, "thread.changed", data, second=5))
    story.log[3]["data"] = {**story.log[3]["data"], "thread": thread}
    for user in (ALICE, BOB):
        for each in story.log[4:6]:
            each["data"] = {**(SHAPE if each["type"] == "message.created" else {}), **each["data"]}
            story.get(user, each, 5.2)


def threads(story: Story, **changes: int) -> None:
    """The threads of Alice as a server shows them."""
    row = {"root": "m4", "room": ROOM, "read_seq": 4, "unread": 1} | changes
    story.add("end_threads", 100, user=ALICE, server=0, threads=[row])


@pytest.mark.parametrize(("changes", "is_broken"), [({}, False), ({"unread": 2}, True), ({"read_seq": 5}, True)])
def test_a_wrong_count_of_a_thread_is_found(changes: dict[str, int], is_broken: bool) -> None:
    story = all_is_well()
    reply(story)
    threads(story, **changes)

    assert ("thread" in broken_promises(story)) is is_broken


@pytest.mark.parametrize("lost", ["summary", "follow"])
def test_a_lost_reply_or_follower_is_found(lost: str) -> None:
    story = all_is_well()
    reply(story)
    if lost == "summary":
        story.log[3]["data"]["thread"] = {"reply_count": 2, "last_seq": 5}
    else:
        story.add("end_threads", 100, user=ALICE, server=0, threads=[])

    assert "thread" in broken_promises(story)


@pytest.mark.parametrize(("offset", "piece", "is_broken"), [(0, "cnry", set()), (2, "cnry", {"stream"})])
def test_an_acknowledged_piece_that_is_not_in_the_text_is_found(offset: int, piece: str, is_broken: set[str]) -> None:
    story = all_is_well()
    call(story, "append", 5, user=ALICE, message="m4", offset=offset, piece=piece)
    call(story, "finish", 6, user=ALICE, message="m4")

    assert broken_promises(story) == is_broken


@pytest.mark.parametrize(("state", "is_broken"), [("online", set()), ("offline", {"presence"})])
def test_a_person_whom_a_server_forgets_is_found(state: str, is_broken: set[str]) -> None:
    story = all_is_well()
    members = [{"room_id": ROOM, "user_id": user, "state": "joined", "put_by_other": False} for user in (ALICE, BOB)]
    story.add("end_member", 100, rows=members)
    story.add("end_block", 100, rows=[])
    story.add("end_presence", 100, seen=[{"user": ALICE, "server": 1, "states": {BOB: state}}])

    assert broken_promises(story) == is_broken
