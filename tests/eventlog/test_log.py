"""Reads of the log are bounded by bytes in the query: what is beyond them never leaves the database."""

from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from api.services.rooms.summaries import summarize_rooms
from api.services.sync import SyncRequest, sync_all
from eventlog.models import Event
from eventlog.ranges import LogRange, merge, read_ranges
from realtime.database import PAGE_BYTES, is_cut, read_page
from tests.api.stories import make_room, post_message
from tests.clients import Person


@pytest.fixture
def room(alice: Person) -> Any:
    room = make_room(alice)
    for _ in range(5):
        post_message(alice, room, "x" * 1_000)
    return room


def test_a_page_ends_with_the_event_that_reaches_the_bytes(room: Any) -> None:
    stream = UUID(room["id"])

    sizes = [len(Event.objects.page_after(stream, 1, 10, max_bytes)) for max_bytes in (1, 2_000, 10_000)]

    assert sizes == [1, 2, 5]


def test_events_beyond_the_bytes_are_named_and_not_read(room: Any) -> None:
    stream = UUID(room["id"])

    found = read_ranges([LogRange(stream, 2, 6, turn=0)], 2_000).of(stream)

    assert [seq for seq, json in found.items() if json is not None] == [2, 3]
    assert [seq for seq, json in found.items() if json is None] == [4, 5, 6]


def test_every_reader_gets_its_first_missing_event(room: Any, alice: Person) -> None:
    other = make_room(alice)
    post_message(alice, other, "y" * 1_000)
    first, second = UUID(room["id"]), UUID(other["id"])

    found = read_ranges([LogRange(first, 2, 4, turn=0), LogRange(second, 2, 2, turn=0)], 1)

    assert [seq for seq, json in found.of(first).items() if json is not None] == [2]
    assert found.of(second)[2] is not None


def test_the_bytes_are_spent_turn_by_turn(room: Any, alice: Person) -> None:
    other = make_room(alice)
    post_message(alice, other, "y" * 1_000)
    first, second = UUID(room["id"]), UUID(other["id"])

    found = read_ranges([LogRange(first, 2, 6, turn=0), LogRange(second, 2, 2, turn=2)], 5_700)

    assert [seq for seq, json in found.of(first).items() if json is not None] == [2, 3, 4]
    assert found.of(second)[2] is not None


@pytest.mark.parametrize(
    ("ranges", "merged"),
    [
        ([(1, 9, 0)], [(1, 9, 0)]),
        ([(1, 9, 0), (5, 9, 0)], [(1, 4, 0), (5, 9, 0)]),
        ([(5, 9, 3), (1, 9, 0)], [(1, 4, 0), (5, 9, 3)]),
        ([(1, 2, 0), (8, 9, 2)], [(1, 2, 0), (8, 9, 2)]),
        ([(1, 5, 7), (4, 9, 0)], [(1, 3, 7), (4, 5, 0), (6, 9, 2)]),
    ],
)
def test_overlapping_ranges_are_read_once_at_the_earliest_turn(
    ranges: list[tuple[int, int, int]], merged: list[tuple[int, int, int]]
) -> None:
    stream = uuid4()

    assert merge([LogRange(stream, *each) for each in ranges]) == [LogRange(stream, *each) for each in merged]


def test_the_events_of_equal_ranges_are_joined_once(room: Any) -> None:
    stream = UUID(room["id"])
    events = read_ranges([LogRange(stream, 1, 6, turn=0)], 4_000)

    whole = events.join(stream, [(1, 1), (3, 4)])

    assert whole is not None
    assert [event["seq"] for event in orjson.loads(b"[%b]" % whole)] == [1, 3, 4]
    assert events.join(stream, [(1, 1), (3, 4)]) is whole
    assert events.join(stream, [(1, 6)]) is None
    assert events.join(stream, []) == b""


def test_a_device_beyond_the_byte_limit_must_retry_alone(alice: Person, monkeypatch: Any) -> None:
    monkeypatch.setattr("api.services.sync.ANSWER_BYTES", 4_000)
    rooms = [make_room(alice) for _ in range(2)]
    for room in rooms:
        for _ in range(4):
            post_message(alice, room, "x" * 1_000)
    devices = [SyncRequest(alice.user.id, {UUID(room["id"]): 1}) for room in rooms]

    together = sync_all([*devices, SyncRequest(alice.user.id, {UUID(room["id"]): 5 for room in rooms})], 4_000)
    alone = [sync_all([device], 4_000)[0] for device in devices]

    assert together[:2] == [None, None]
    assert together[2] is not None
    assert None not in alone


def test_rooms_beyond_the_bytes_are_named_and_not_read(alice: Person) -> None:
    rooms = [make_room(alice) for _ in range(4)]
    for room in rooms:
        post_message(alice, room, "x" * 1_000)
    ids = sorted((UUID(room["id"]) for room in rooms), reverse=True)

    described = summarize_rooms(alice.user.id, ids, 2_000)

    assert [described[room_id] is not None for room_id in ids] == [True, True, False, False]


def test_a_page_for_sockets_reports_that_its_size_ended_it(alice: Person) -> None:
    room = make_room(alice)
    for _ in range(12):
        post_message(alice, room, "\U0001f600" * 4_000 + "x" * 300)
        post_message(alice, room, "x" * 8_000)

    pages = [read_page(room["id"], 0)]
    while is_cut(pages[-1]):
        pages.append(read_page(room["id"], pages[-1][-1].seq))

    assert len(pages) == 2
    assert [entry.seq for page in pages for entry in page] == list(range(1, 26))
    assert all(sum(len(entry.json) for entry in page) < PAGE_BYTES + 40_000 for page in pages)
