"""POST /v1/sync: one page."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from api.services.members.limits import MAX_PLACED, MAX_ROOMS
from api.services.messages.send import Send, send_messages
from api.services.sync import SyncRequest, sync
from eventlog.models import Epoch
from tests.api.stories import events_of, inbox_of, make_room, post_message, refusal
from tests.clients import Person, codes

Answer = dict[str, Any]


def post_sync(person: Person, **body: Any) -> Answer:
    response = person.post("/v1/sync", body)
    assert response.status_code == 200, response.json()
    answer: Answer = response.json()
    return answer


def of(answer: Answer, room: Any) -> Any:
    """Return the room's entry, or None."""
    return next((entry for entry in answer["rooms"] if entry["id"] == room["id"]), None)


def seqs(entry: Any) -> list[int]:
    return [event["seq"] for event in entry["events"]]


def fill(person: Person, room: Any, count: int) -> None:
    sends = [Send(person.session, UUID(room["id"]), uuid4().hex, "Hi", {}, None) for _ in range(count)]
    for start in range(0, count, 50):
        send_messages(sends[start : start + 50])


def test_it_works(alice: Person, bob: Person) -> None:
    changed, same = make_room(alice, members=[bob]), make_room(alice, members=[bob])
    post_message(alice, changed, "2")
    post_message(bob, changed, "3")

    answer = post_sync(bob, rooms={changed["id"]: 1, same["id"]: 1}, inbox=1, epoch=1)

    assert set(answer) == {"rooms", "removed", "inbox", "epoch", "next"}
    assert (answer["removed"], answer["epoch"], answer["next"]) == ([], 1, None)
    [entry] = answer["rooms"]
    assert entry == {
        "id": changed["id"],
        "head": 3,
        "events": events_of(changed)[1:],
        "limited": None,
        "reset": False,
        "room": None,
    }
    assert answer["inbox"] == {"head": 2, "events": inbox_of(bob)[1:], "limited": None, "reset": False}


def test_a_new_device_gets_every_room_and_no_events(alice: Person, bob: Person) -> None:
    rooms = [make_room(alice, members=[bob]) for _ in range(3)]
    message = post_message(alice, rooms[0], "Hi")

    answer = post_sync(bob)

    assert [entry["id"] for entry in answer["rooms"]] == [room["id"] for room in reversed(rooms)]
    assert all((entry["events"], entry["limited"], entry["reset"]) == ([], None, False) for entry in answer["rooms"])
    entry = of(answer, rooms[0])
    assert (entry["head"], entry["room"]) == (2, bob.get(f"/v1/rooms/{rooms[0]['id']}").json())
    assert (entry["room"]["last_message"], entry["room"]["me"]["unread"]) == (message, 1)
    assert answer["inbox"] == {"head": 3, "events": [], "limited": None, "reset": False}


def test_an_up_to_date_device_gets_nothing(alice: Person) -> None:
    room = make_room(alice)

    answer = post_sync(alice, rooms={room["id"]: 1}, inbox=1, epoch=1)

    assert answer == {
        "rooms": [],
        "removed": [],
        "inbox": {"head": 1, "events": [], "limited": None, "reset": False},
        "epoch": 1,
        "next": None,
    }


def test_a_room_without_a_cursor_comes_as_a_room(alice: Person, bob: Person) -> None:
    known = make_room(alice, members=[bob])
    added = make_room(alice, members=[bob])

    answer = post_sync(bob, rooms={known["id"]: 1}, inbox=1)

    assert [entry["id"] for entry in answer["rooms"]] == [added["id"]]
    assert [event["type"] for event in answer["inbox"]["events"]] == ["room.added"]


@pytest.mark.parametrize("reason", ["left", "removed"])
def test_a_room_that_the_user_left_is_in_removed(alice: Person, bob: Person, reason: str) -> None:
    room = make_room(alice, members=[bob])
    post_message(alice, room, "2")
    if reason == "left":
        bob.post(f"/v1/rooms/{room['id']}/leave")
    else:
        alice.delete(f"/v1/rooms/{room['id']}/members/{bob.user.id}")
    post_message(alice, room, "after")

    answer = post_sync(bob, rooms={room["id"]: 1}, inbox=1)

    assert answer["removed"] == [{"id": room["id"], "reason": reason, "seq": 3}]
    assert answer["rooms"] == []
    assert post_sync(bob)["removed"] == []


def test_rooms_of_others_are_ignored(alice: Person, charlie: Person) -> None:
    private, public = make_room(alice), make_room(alice, kind="public")

    answer = post_sync(charlie, rooms={private["id"]: 0, public["id"]: 0, str(uuid4()): 5})

    assert (answer["rooms"], answer["removed"]) == ([], [])


@pytest.mark.parametrize(("cursor", "epoch"), [(99, 1), (1, 2), (2, 0)])
def test_a_cursor_of_another_epoch_is_reset(alice: Person, cursor: int, epoch: int) -> None:
    room = make_room(alice)
    post_message(alice, room, "2")

    answer = post_sync(alice, rooms={room["id"]: cursor}, epoch=epoch)

    [entry] = answer["rooms"]
    assert (entry["reset"], entry["head"], entry["events"], entry["limited"]) == (True, 2, [], None)
    assert entry["room"] == alice.get(f"/v1/rooms/{room['id']}").json()


@pytest.mark.parametrize(("cursor", "epoch"), [(99, 1), (1, 2)])
def test_an_inbox_cursor_of_another_epoch_is_reset(alice: Person, cursor: int, epoch: int) -> None:
    make_room(alice)

    answer = post_sync(alice, inbox=cursor, epoch=epoch)

    assert answer["inbox"] == {"head": 1, "events": [], "limited": None, "reset": True}


def test_after_a_restore_everything_is_reset(alice: Person) -> None:
    room = make_room(alice)
    Epoch.objects.update_or_create(id=1, defaults={"value": 2})

    answer = post_sync(alice, rooms={room["id"]: 1}, inbox=1, epoch=1)

    assert (answer["epoch"], answer["inbox"]["reset"], answer["rooms"][0]["reset"]) == (2, True, True)


@pytest.mark.parametrize(("missing", "is_limited"), [(1_000, False), (1_001, True)])
def test_more_than_a_thousand_missing_events_are_limited(alice: Person, missing: int, is_limited: bool) -> None:
    room = make_room(alice)
    fill(alice, room, missing)

    entry = of(post_sync(alice, rooms={room["id"]: 1}), room)

    assert entry["head"] == missing + 1
    if is_limited:
        assert (entry["limited"], entry["events"]) == ({"from": 2, "to": missing + 1}, [])
        assert entry["room"]["id"] == room["id"]
    else:
        assert (entry["limited"], entry["room"]) == (None, None)
        assert seqs(entry) == list(range(2, missing + 2))


def test_more_than_a_thousand_missing_inbox_events_are_limited(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.sync.plan.EVENTS", 2)
    for _ in range(4):
        make_room(alice)

    assert post_sync(alice, inbox=2)["inbox"]["limited"] is None
    assert post_sync(alice, inbox=1)["inbox"] == {
        "head": 4,
        "events": [],
        "limited": {"from": 2, "to": 4},
        "reset": False,
    }


def test_only_events_of_the_membership_periods_are_answered(alice: Person, bob: Person) -> None:
    room = make_room(alice)
    url = f"/v1/rooms/{room['id']}/members/{bob.user.id}"
    post_message(alice, room, "2")
    alice.put(url)
    post_message(alice, room, "4")
    alice.delete(url)
    post_message(alice, room, "6")
    alice.put(url)
    post_message(alice, room, "8")

    assert seqs(of(post_sync(bob, rooms={room["id"]: 0}), room)) == [3, 4, 5, 7, 8]
    assert seqs(of(post_sync(bob, rooms={room["id"]: 4}), room)) == [5, 7, 8]
    assert seqs(of(post_sync(bob, rooms={room["id"]: 5}), room)) == [7, 8]
    assert of(post_sync(bob, rooms={room["id"]: 8}), room) is None


def test_a_returning_member_of_a_shared_room_gets_the_events_of_the_absence(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob], history="shared")
    url = f"/v1/rooms/{room['id']}/members/{bob.user.id}"
    alice.delete(url)
    post_message(alice, room, "3")
    alice.put(url)

    assert seqs(of(post_sync(bob, rooms={room["id"]: 1}), room)) == [2, 3, 4]


def test_a_deleted_message_is_a_tombstone(alice: Person) -> None:
    room = make_room(alice)
    message = post_message(alice, room, "Secret")
    alice.delete(f"/v1/rooms/{room['id']}/messages/{message['id']}")

    entry = of(post_sync(alice, rooms={room["id"]: 1}), room)

    assert [event["data"]["text"] for event in entry["events"]] == [None, None]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rooms": {"tea": 1}}, "rooms"),
        ({"rooms": {str(uuid4()): -1}}, "rooms"),
        ({"rooms": {str(uuid4()): "1"}}, "rooms"),
        ({"rooms": {str(uuid4()): True}}, "rooms"),
        ({"rooms": {str(UUID(int=number)): 0 for number in range(2_001)}}, "rooms"),
        ({"rooms": []}, "rooms"),
        ({"rooms": {str(UUID(int=10)): 1, str(UUID(int=10)).upper(): 2}}, "rooms"),
        ({"inbox": -1}, "inbox"),
        ({"inbox": "1"}, "inbox"),
        ({"epoch": 1.5}, "epoch"),
        ({"limit": 0}, "limit"),
        ({"limit": 1_001}, "limit"),
        ({"next": "tea"}, "next"),
        ({"next": "bnVsbA=="}, "next"),
        ({"next": "WzEsMiwzLDQsNV0="}, "next"),
        ({"next": 7}, "next"),
        ({"subscribe": True}, "subscribe"),
    ],
)
def test_an_invalid_body_is_rejected(alice: Person, body: dict[str, Any], field: str) -> None:
    response = alice.post("/v1/sync", body)

    assert refusal(response) == (400, "request.invalid")
    assert list(codes(response)) == [field]


def test_as_many_rooms_as_a_user_can_have_are_synced_at_once(alice: Person) -> None:
    room = make_room(alice)
    names = {str(UUID(int=number)): 1 for number in range(MAX_ROOMS + MAX_PLACED - 1)}

    assert post_sync(alice, rooms={**names, room["id"]: 1})["rooms"] == []


def test_an_anonymous_user_cannot_sync(stranger: Person) -> None:
    assert refusal(stranger.post("/v1/sync", {})) == (401, "auth.required")


def test_the_queries_do_not_grow_with_the_rooms(
    alice: Person, bob: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for size in (2, 10):
        rooms = [make_room(alice, members=[bob], history=("shared", "since_joined")[i % 2]) for i in range(size * 3)]
        for room in rooms:
            post_message(alice, room, "Hi")
        cursors = {room["id"]: (1, 99)[index % 2] for index, room in enumerate(rooms[: size * 2])}
        # Token, inbox's head, inbox's events, memberships with heads, membership periods, events; and for the Rooms:
        # rooms, members, unread, last messages.
        with django_assert_num_queries(10):
            answer = post_sync(bob, rooms=cursors, inbox=0)
        assert len([entry for entry in answer["rooms"] if entry["events"]]) == size


def test_the_result_has_the_cursors_for_a_subscription(alice: Person, bob: Person) -> None:
    named, same, new = (make_room(alice, members=[bob]) for _ in range(3))
    gone = make_room(alice, members=[bob])
    post_message(alice, named, "2")
    bob.post(f"/v1/rooms/{gone['id']}/leave")

    cursors = {UUID(room["id"]): 1 for room in (named, same, gone)}
    answer = sync(SyncRequest(bob.user.id, cursors, inbox=0))

    assert answer.cursors == {bob.user.id: 5, UUID(named["id"]): 2, UUID(same["id"]): 1, UUID(new["id"]): 1}


def test_null_means_absent(alice: Person) -> None:
    room = make_room(alice)

    answer = post_sync(alice, rooms={room["id"]: None}, inbox=None, epoch=None, limit=None, next=None)

    assert answer == post_sync(alice) == post_sync(alice, rooms=None)


def test_a_room_id_may_be_in_upper_case(alice: Person) -> None:
    room = make_room(alice)

    assert post_sync(alice, rooms={room["id"].upper(): 1}, inbox=1)["rooms"] == []
