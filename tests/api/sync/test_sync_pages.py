"""POST /v1/sync: several pages have the same events as one."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from api.models import Room
from api.services.sync import SyncRequest, sync
from tests.api.stories import events_of, inbox_of, make_room, post_message, refusal
from tests.api.sync.test_sync import Answer, fill, post_sync
from tests.clients import Person
from wire import strict_json


def pages(person: Person, **body: Any) -> Iterator[Answer]:
    """Yield all pages of an answer, repeating the body with `next`."""
    following = None
    while True:
        answer = post_sync(person, **body, next=following)
        yield answer
        following = answer["next"]
        if following is None:
            return


class Device:
    """A client that keeps a cursor for each stream and applies every page once."""

    def __init__(self, rooms: dict[str, int], inbox: int) -> None:
        self.cursors = dict(rooms)
        self.inbox = inbox
        self.seqs_by_room: dict[str, list[int]] = {}
        self.inbox_seqs: list[int] = []
        self.rooms: list[str] = []

    def apply(self, answer: Answer) -> None:
        self.inbox_seqs += [event["seq"] for event in answer["inbox"]["events"]]
        self.inbox = answer["inbox"]["head"]
        for entry in answer["rooms"]:
            seqs = [event["seq"] for event in entry["events"]]
            assert not seqs or seqs[-1] == entry["head"]
            self.seqs_by_room.setdefault(entry["id"], []).extend(seqs)
            self.cursors[entry["id"]] = entry["head"]
            if entry["room"] is not None:
                self.rooms.append(entry["id"])


@pytest.fixture
def rooms(alice: Person, bob: Person) -> list[Any]:
    """Create four rooms; room n has 2 + n events."""
    rooms = [make_room(alice, members=[bob]) for _ in range(4)]
    for number, room in enumerate(rooms):
        for _ in range(number + 1):
            post_message(alice, room, "Hi")
    return rooms


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 13, 14, 1_000])
def test_pages_have_every_event_once_and_in_order(bob: Person, rooms: list[Any], limit: int) -> None:
    known = {room["id"]: 1 for room in rooms}
    device = Device(known, inbox=0)

    for answer in pages(bob, rooms=known, inbox=0, limit=limit):
        seqs = len(answer["inbox"]["events"]) + sum(len(entry["events"]) for entry in answer["rooms"])
        assert seqs <= limit
        assert answer["next"] is None or seqs > 0
        device.apply(answer)

    assert device.inbox_seqs == [event["seq"] for event in inbox_of(bob)]
    assert device.seqs_by_room == {room["id"]: [event["seq"] for event in events_of(room)[1:]] for room in rooms}
    assert device.cursors == {room["id"]: len(events_of(room)) for room in rooms}
    assert post_sync(bob, rooms=device.cursors, inbox=device.inbox)["rooms"] == []


def test_rooms_are_ordered_by_id_descending(bob: Person, rooms: list[Any]) -> None:
    known = {room["id"]: 1 for room in rooms}

    met = [entry["id"] for answer in pages(bob, rooms=known, limit=4) for entry in answer["rooms"]]

    assert list(dict.fromkeys(met)) == sorted(known, reverse=True)
    assert len(met) > len(known)


def test_a_device_that_stops_between_two_pages_loses_nothing(bob: Person, rooms: list[Any]) -> None:
    known = {room["id"]: 1 for room in rooms}
    device = Device(known, inbox=0)
    for _, answer in zip(range(2), pages(bob, rooms=known, inbox=0, limit=3), strict=False):
        device.apply(answer)

    for answer in pages(bob, rooms=device.cursors, inbox=device.inbox):
        device.apply(answer)

    assert device.inbox_seqs == [1, 2, 3, 4]
    assert device.seqs_by_room == {room["id"]: [event["seq"] for event in events_of(room)[1:]] for room in rooms}


def test_changes_between_two_pages_are_not_lost(alice: Person, bob: Person, rooms: list[Any]) -> None:
    known = {room["id"]: 1 for room in rooms}
    device = Device(known, inbox=4)
    walk = pages(bob, rooms=known, inbox=4, limit=3)
    device.apply(next(walk))

    post_message(alice, rooms[0], "Later")
    post_message(alice, rooms[3], "Later")
    new = make_room(alice, members=[bob])
    alice.delete(f"/v1/rooms/{rooms[1]['id']}/members/{bob.user.id}")
    removed = []
    for answer in walk:
        device.apply(answer)
        removed += answer["removed"]
    again = post_sync(bob, rooms=device.cursors, inbox=device.inbox)
    device.apply(again)

    assert [entry["id"] for entry in removed] == [rooms[1]["id"]]
    assert device.seqs_by_room[rooms[0]["id"]] == [2, 3]
    assert device.seqs_by_room[rooms[3]["id"]] == [2, 3, 4, 5, 6]
    assert [event["type"] for event in again["inbox"]["events"]] == ["room.added", "room.removed"]
    assert device.rooms == [new["id"]]


def test_the_inbox_keeps_the_head_of_the_first_page(alice: Person, bob: Person, rooms: list[Any]) -> None:
    walk = pages(bob, rooms={room["id"]: 1 for room in rooms}, inbox=2, limit=5)
    first = next(walk)
    make_room(alice, members=[bob])

    heads = [(answer["inbox"]["head"], len(answer["inbox"]["events"])) for answer in walk]

    assert (first["inbox"]["head"], len(first["inbox"]["events"])) == (4, 2)
    assert heads
    assert set(heads) == {(4, 0)}


def test_many_rooms_come_in_pages(bob: Person, rooms: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.sync.plan.ENTRIES", 3)

    met = [[entry["id"] for entry in answer["rooms"]] for answer in pages(bob)]

    assert [len(page) for page in met] == [3, 1]
    assert [room_id for page in met for room_id in page] == sorted((room["id"] for room in rooms), reverse=True)


@pytest.mark.parametrize("max_bytes", [1, 1_000, 3_000, 1_000_000])
def test_a_page_of_bounded_bytes_ends_early_with_a_next(bob: Person, rooms: list[Any], max_bytes: int) -> None:
    known = {room["id"]: 1 for room in rooms[1:]}
    cursors = {UUID(room): seq for room, seq in known.items()}
    device = Device(known, inbox=0)
    following, met = None, 0
    streams: dict[UUID, int] = {}

    while met == 0 or following is not None:
        page = sync(SyncRequest(bob.user.id, cursors, inbox=0, next=following), max_bytes)
        sent = strict_json.dumps(page.data)
        answer = strict_json.loads(sent)
        assert len(sent) < max_bytes + 1_700
        device.apply(answer)
        assert not streams.keys() & page.cursors.keys() - {bob.user.id}
        streams |= page.cursors
        following, met = answer["next"], met + 1

    assert (met == 1) is (max_bytes == 1_000_000)
    assert device.inbox_seqs == [1, 2, 3, 4]
    assert {room: device.seqs_by_room[room] for room in known} == {
        room["id"]: [event["seq"] for event in events_of(room)[1:]] for room in rooms[1:]
    }
    assert device.rooms == [rooms[0]["id"]]
    assert streams == {bob.user.id: 4, **{UUID(room["id"]): len(events_of(room)) for room in rooms}}


def test_a_long_absence_from_many_rooms(alice: Person, bob: Person) -> None:
    rooms = [make_room(alice, members=[bob]) for _ in range(3)]
    for room in rooms:
        fill(alice, room, 600)

    answers = list(pages(bob, rooms={room["id"]: 1 for room in rooms}))

    assert [sum(len(entry["events"]) for entry in answer["rooms"]) for answer in answers] == [1_000, 800]
    assert all(entry["limited"] is None for answer in answers for entry in answer["rooms"])
    assert Room.objects.count() == 3


@pytest.mark.parametrize("after", ["", [], {}, False, 1.0, -1])
def test_a_forged_next_is_rejected(alice: Person, after: object) -> None:
    room = make_room(alice)
    position = [1, 0, True, room["id"], after]
    forged = urlsafe_b64encode(orjson.dumps(position)).decode()

    response = alice.post("/v1/sync", {"rooms": {}, "next": forged})

    assert refusal(response) == (400, "request.invalid")
