"""sync_all: devices that sync at the same time share the reads, and each gets the same answer as alone."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.services.sync import SyncPage, SyncRequest, sync, sync_all
from eventlog.models import StreamHead
from tests.api.stories import make_room, post_message
from tests.api.sync.test_sync import Answer, fill
from tests.api.sync.test_sync_random import act
from tests.clients import Person, join_parley
from wire import strict_json
from wire.problems import Problem


@pytest.fixture
def people(db: None) -> list[Person]:
    return [join_parley(f"member{number}") for number in range(6)]


def sync_batch(*devices: SyncRequest, max_bytes: int | None = None) -> list[Answer]:
    """Sync the devices in one call, and return their answers as JSON values."""
    return [as_json(answer) for answer in sync_all(devices, max_bytes)]


def as_json(answer: SyncPage | Problem | None) -> Answer:
    assert isinstance(answer, SyncPage)
    sent: Answer = strict_json.loads(strict_json.dumps(answer.data))
    return sent


def seqs(answer: Answer, room: Any) -> list[int]:
    return [event["seq"] for entry in answer["rooms"] if entry["id"] == room["id"] for event in entry["events"]]


def at(
    person: Person, *rooms: Any, cursor: int = 1, inbox: int | None = None, following: str | None = None
) -> SyncRequest:
    """Build the request of a device that has these rooms up to the cursor."""
    return SyncRequest(person.user.id, {UUID(room["id"]): cursor for room in rooms}, inbox, next=following)


def log_queries(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries if '"api_event"' in query["sql"]]


def test_the_queries_do_not_grow_with_the_devices(alice: Person, people: list[Person]) -> None:
    rooms = [make_room(alice, members=people, history=("shared", "since_joined")[number % 2]) for number in range(4)]
    for room in rooms:
        fill(alice, room, 5)
    counts = []
    for size in (2, 6):
        devices = [at(person, *rooms, inbox=0) for person in people[:size]]
        with CaptureQueriesContext(connection) as queries:
            answers = sync_batch(*devices)
        assert all(seqs(answer, room) == [2, 3, 4, 5, 6] for answer in answers for room in rooms)
        assert all(len(answer["inbox"]["events"]) == 4 for answer in answers)
        counts.append((len(queries), len(log_queries(queries))))

    # The inboxes' heads, their events, the memberships with the heads, the periods, the events of the rooms.
    assert counts == [(5, 2), (5, 2)]


def test_two_devices_of_one_user_each_receive_their_missing_events(alice: Person) -> None:
    room = make_room(alice)
    fill(alice, room, 5)

    phone, laptop, tablet = sync_batch(at(alice, room), at(alice, room, cursor=4), at(alice, room, cursor=6, inbox=0))

    assert [seqs(answer, room) for answer in (phone, laptop, tablet)] == [[2, 3, 4, 5, 6], [5, 6], []]
    assert [len(answer["inbox"]["events"]) for answer in (phone, laptop, tablet)] == [0, 0, 1]


def test_nobody_gets_events_that_only_others_may_see(alice: Person, bob: Person, charlie: Person) -> None:
    """The devices share the reads, and each user has other membership periods."""
    room = make_room(alice, members=[bob])
    post_message(alice, room, "before Charlie")
    url = f"/v1/rooms/{room['id']}/members"
    alice.delete(f"{url}/{bob.user.id}")
    post_message(alice, room, "without Bob")
    alice.put(f"{url}/{charlie.user.id}")
    post_message(alice, room, "with Charlie")
    alice.put(f"{url}/{bob.user.id}")

    devices = [at(person, room, cursor=0) for person in (alice, bob, charlie)]
    answers = sync_batch(*devices, at(join_parley("dora"), room, cursor=0))

    assert [seqs(answer, room) for answer in answers] == [list(range(1, 8)), [1, 2, 3, 7], [5, 6, 7], []]


def test_only_a_former_member_gets_the_room_in_removed(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob, charlie])
    bob.post(f"/v1/rooms/{room['id']}/leave")

    gone, stayed, unaware = sync_batch(at(bob, room), at(charlie, room), at(bob))

    assert gone["removed"] == [{"id": room["id"], "reason": "left", "seq": 2}]
    assert (stayed["removed"], seqs(stayed, room)) == ([], [2])
    assert (unaware["removed"], unaware["rooms"]) == ([], [])


def test_a_bad_next_fails_alone(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    post_message(alice, room, "Hi")

    first, bad, last = sync_all([at(alice, room), at(bob, room, following="tea"), at(bob, room)])

    assert isinstance(bad, Problem)
    assert (bad.code, bad.errors[0].field) == ("request.invalid", "next")
    assert seqs(as_json(first), room) == seqs(as_json(last), room) == [2]


def test_a_device_that_needs_rooms_must_retry_alone(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    post_message(alice, room, "Hi")

    new, ahead, known = sync_all([SyncRequest(alice.user.id), at(bob, room, cursor=99), at(bob, room)])

    assert (new, ahead) == (None, None)
    assert seqs(as_json(known), room) == [2]
    assert sync(SyncRequest(alice.user.id)).data["rooms"]


def test_one_read_loads_no_more_events_than_one_response_has(
    people: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Devices that miss the same events share a query; devices that miss other events are in the next one."""
    monkeypatch.setattr("api.services.sync.reads.EVENTS", 12)
    rooms = [make_room(person) for person in people]
    for person, room in zip(people, rooms, strict=True):
        fill(person, room, 5)
    devices = [at(*each) for each in zip(people, rooms, strict=True) for _ in range(3)]

    with CaptureQueriesContext(connection) as queries:
        answers = sync_batch(*devices)

    assert [seqs(answer, rooms[place // 3]) for place, answer in enumerate(answers)] == [[2, 3, 4, 5, 6]] * 18
    assert len(log_queries(queries)) == 3


def test_a_device_beyond_the_last_read_must_retry_alone(people: list[Person], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.sync.reads.EVENTS", 5)
    rooms = [make_room(person) for person in people]
    for person, room in zip(people, rooms, strict=True):
        fill(person, room, 5)

    answers = sync_all([at(*each) for each in zip(people, rooms, strict=True)])
    of_inboxes = sync_all([at(*each, inbox=0, cursor=6) for each in zip(people, rooms, strict=True)])

    assert [answer is None for answer in answers] == [False] * 4 + [True] * 2
    assert None not in of_inboxes


@pytest.mark.parametrize("seed", range(4))
def test_a_result_is_the_same_in_a_batch_and_alone(alice: Person, bob: Person, seed: int) -> None:
    dice = random.Random(seed)
    rooms = [make_room(alice, members=[bob], history=history) for history in ("shared", "since_joined") * 2]
    for _ in range(60):
        act(dice, alice, bob, dice.choice(rooms))

    met = 0
    for _ in range(10):
        devices = [a_device(dice, dice.choice([alice, bob]), rooms) for _ in range(8)]
        max_bytes = dice.choice([None, 1_000, 5_000])
        for device, answer in zip(devices, sync_all(devices, max_bytes), strict=True):
            alone = sync(device, max_bytes)
            if answer is not None:
                assert as_json(answer) == as_json(alone)
                assert isinstance(answer, SyncPage)
                assert answer.cursors == alone.cursors
                met += 1
    assert met > 20


def a_device(dice: random.Random, person: Person, rooms: Sequence[Any]) -> SyncRequest:
    """Build the request of a device that has all rooms up to a random seq, perhaps in the middle of its pages."""
    heads = StreamHead.objects.in_bulk([UUID(room["id"]) for room in rooms])
    cursors = {room: dice.randint(0, head.last_seq) for room, head in heads.items()}
    first = SyncRequest(person.user.id, cursors, dice.choice([None, 0, 1, 2]), limit=dice.choice([1, 3, 10, 1_000]))
    return replace(first, next=sync(first).data["next"]) if dice.random() < 0.5 else first
