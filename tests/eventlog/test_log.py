"""Reads of the log are bounded by bytes in the query: what is beyond them never leaves the database."""

from typing import Any
from uuid import UUID

import pytest

from api.services.rooms.summaries import summarize_rooms
from api.services.sync import SyncRequest, sync_all
from eventlog.models import Event
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
    places = {(stream, seq): seq - 2 for seq in range(2, 7)}

    found = Event.objects.at(places, 2_000)[stream]

    assert [seq for seq, json in found.items() if json is not None] == [2, 3]
    assert [seq for seq, json in found.items() if json is None] == [4, 5, 6]


def test_every_reader_gets_its_first_missing_event(room: Any, alice: Person) -> None:
    other = make_room(alice)
    post_message(alice, other, "y" * 1_000)
    first, second = UUID(room["id"]), UUID(other["id"])
    places = {(first, 2): 0, (first, 3): 1, (first, 4): 2, (second, 2): 0}

    found = Event.objects.at(places, 1)

    assert [seq for seq, json in found[first].items() if json is not None] == [2]
    assert found[second][2] is not None


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
