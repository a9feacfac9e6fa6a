"""No hot statement reads a whole table, also with a plan that PostgreSQL made while the tables were empty."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.services.messages.send import Send, send_messages
from api.services.reactions import react
from api.services.reactions.write import React
from api.services.sync import SyncRequest, sync_all
from eventlog.heads import read_heads
from eventlog.transaction import record_events
from realtime.authorization import authorize_each
from realtime.database import read_page, sync_each
from realtime.sessions import _find, _look_up
from settings.test import TEST_STACK
from tests.api.stories import make_room, post_message, reply_in_thread
from tests.clients import Person
from tests.plans import believe_on_sqlite, captured, scans_after_growth, scans_on_sqlite

ROWS = int(os.environ.get("PLANS_ROWS", "30000"))  # `make bench-full` looks at a million
BELIEVED = (1_000_000, 10_000_000)  # these cost nothing, see `believe`

# The reads that keep their index by the planner's switches only, as a part of their text: of sessions by their tokens,
# of rooms that a user may see, of the last messages of rooms, of memberships with what was hidden, of threads, of
# mentions, of the unread numbers of rooms, and of the messages of a batch of reactions.
NEED_SWITCHES = (
    '"api_thread"."active_at"',
    '"api_mention"."id"',
    'AS "threads" FROM "api_member"',
    '"accounts_session"."token_hash" IN',
    '"col1", "col2"',
    "turn, joined_seq",
    '"api_member"."hidden_seq"',
    '"api_room"."purged_seq" AS',
)


# A deployment begins with these tables empty, and a plan that is made then reads them whole.
EMPTY_AT_FIRST = ("api_block", "api_blocklist", "api_invite", "api_reaction")


@pytest.fixture
def hot_statements(alice: Person, bob: Person) -> dict[str, Sequence[Any]]:
    """The statements of a connect, its subscribes, a return, pages, sends and the checks of each second."""
    rooms = [make_room(alice, members=[bob], history=history) for history in ("shared", "since_joined") * 3]
    ids = [UUID(room["id"]) for room in rooms]
    for room in rooms:
        post_message(alice, room, "hello")
    roots = [post_message(alice, room, "root") for room in rooms]
    for room, root in zip(rooms, roots, strict=True):
        reply_in_thread(bob, room, root)
    users = [alice.user.id, bob.user.id]
    pairs = [(user, stream) for user in users for stream in [*ids, user]]
    sessions = [alice.session, bob.session]
    with captured() as statements:
        _find([alice.token])
        _find([alice.token, bob.token])
        _look_up([session.pk for session in sessions], users)
        authorize_each(pairs)
        read_heads([*ids, *users])
        sync_all([SyncRequest(user, dict.fromkeys(ids, 1), inbox=0) for user in users])
        sync_each([(SyncRequest(users[1], {ids[0]: 1, ids[1]: 1}, inbox=0), True)])
        read_page(rooms[0]["id"], 0)
        for path in ("me/unread", "me/threads", "me/mentions", "me/drafts"):
            bob.get(f"/v1/{path}")
        bob.get("/v1/me/threads", unread="true")
        bob.get(f"/v1/rooms/{rooms[0]['id']}/messages", limit=50, thread=roots[0]["id"], after="unread")
        for room in rooms[:2]:
            bob.get(f"/v1/rooms/{room['id']}/messages", limit=50, before=2)
            bob.get(f"/v1/rooms/{room['id']}/events", after=0)
    return statements


@pytest.fixture
def writes(alice: Person, bob: Person) -> dict[str, Sequence[Any]]:
    """The statements of lone and batched sends and reactions, of read markers, of a thread and of a draft."""
    room = make_room(alice, members=[bob])
    root = post_message(alice, room, "root")
    room_id = UUID(room["id"])
    sends = [Send(bob.session, room_id, uuid4().hex, "hello", {}, None) for _ in range(6)]
    with captured() as statements:
        post_message(bob, room, "hello")
        send_messages(sends)
        for on in (True, False):
            react(session=bob.session, room_id=room_id, message_id=UUID(root["id"]), key=":tea:", on=on)
            reacts = [React(bob.session, room_id, UUID(root["id"]), f":{number}:", on) for number in range(6)]
            with record_events(rooms=[room_id]) as log:
                React.write(log, reacts)
        alice.post(f"/v1/rooms/{room['id']}/read", {"seq": 2})
        reply_in_thread(bob, room, root, mentions={"users": [str(alice.user.id)], "room": True})
        alice.post(f"/v1/rooms/{room['id']}/read", {"seq": 3, "thread_root": root["id"]})
        for method in (bob.delete, bob.put):
            method(f"/v1/rooms/{room['id']}/threads/{root['id']}/follow")
        bob.put(f"/v1/rooms/{room['id']}/draft", {"text": "hello", "thread_root": root["id"]})
        bob.delete(f"/v1/rooms/{room['id']}/draft")
    return statements


@pytest.mark.skipif(TEST_STACK != "postgres", reason="SQLite plans each statement anew, without looking at the rows")
def test_no_statement_reads_a_whole_table_that_has_grown(
    hot_statements: dict[str, Sequence[Any]], writes: dict[str, Sequence[Any]]
) -> None:
    statements = hot_statements | writes

    scans = scans_after_growth(statements, [10, ROWS], [size for size in BELIEVED if size > ROWS])

    assert len(statements) > 20
    assert scans["off"] == []
    left = [scan for scan in scans["on"] if scan[1] not in EMPTY_AT_FIRST]
    assert [scan for scan in left if not any(part in scan[2] for part in NEED_SWITCHES)] == []


@pytest.mark.skipif(TEST_STACK != "postgres", reason="of PostgreSQL")
def test_a_statement_that_reads_a_whole_table_is_found(db: None) -> None:
    statements: dict[str, Sequence[Any]] = {"SELECT 1 FROM api_event WHERE data = %s": ["x"]}

    scans = [(size, "api_event", *statements) for size in (10, 10, 1_000_000)]
    assert scans_after_growth(statements, [10], [1_000_000]) == {"off": scans, "on": scans}


@pytest.mark.skipif(TEST_STACK != "sqlite", reason="of SQLite")
def test_no_statement_of_sqlite_reads_a_whole_table(
    hot_statements: dict[str, Sequence[Any]], writes: dict[str, Sequence[Any]]
) -> None:
    statements = hot_statements | writes

    scans = [(0, scans_on_sqlite(statement), statement) for statement in statements.items()]
    for rows in (ROWS, *BELIEVED):
        believe_on_sqlite(rows)
        scans += [(rows, scans_on_sqlite(statement), statement) for statement in statements.items()]

    assert len(statements) > 20
    assert [scan for scan in scans if scan[1]] == []
    assert scans_on_sqlite(("SELECT 1 FROM api_event WHERE data = %s", ["x"])) == {"api_event"}
