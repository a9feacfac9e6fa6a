"""POST /v1/sync: random sessions of a device; each answer is compared with the history rule (G4, G5)."""

import random
from typing import Any

import pytest

from api.models import MembershipPeriod, Message
from eventlog.models import Event, StreamHead
from tests.api.stories import make_room
from tests.api.sync.test_sync import Answer, post_sync
from tests.clients import Person


def visible(person: Person, room: Any, after: int, last: int) -> list[int]:
    """Check each seq, and return those that the person may see."""
    if room["history"] == "shared":
        return list(range(after + 1, last + 1))
    periods = MembershipPeriod.objects.filter(room=room["id"], user=person.user).values_list("joined_seq", "left_seq")
    return [
        seq for seq in range(after + 1, last + 1) if any(joined <= seq <= (left or seq) for joined, left in periods)
    ]


class Device:
    """A client that keeps cursors, syncs page by page, sometimes stops in the middle, and checks every entry."""

    def __init__(self, owner: Person, rooms: list[Any]) -> None:
        self.owner = owner
        self.known = {room["id"]: room for room in rooms}
        self.cursors: dict[str, int] = {}
        self.inbox: int | None = None

    def sync(self, limit: int, most_pages: int) -> bool:
        """Sync at most so many pages; return whether the last one was reached."""
        body = {"rooms": dict(self.cursors), "inbox": self.inbox, "limit": limit}
        following = None
        for _ in range(most_pages):
            answer = post_sync(self.owner, **body, next=following)
            self.apply(answer)
            following = answer["next"]
            if following is None:
                return True
        return False

    def apply(self, answer: Answer) -> None:
        seqs = [event["seq"] for event in answer["inbox"]["events"]]
        assert seqs == ([] if self.inbox is None else list(range(self.inbox + 1, answer["inbox"]["head"] + 1)))
        self.inbox = answer["inbox"]["head"]
        for gone in answer["removed"]:
            self.cursors.pop(gone["id"], None)
        for entry in answer["rooms"]:
            self.apply_room(entry)

    def apply_room(self, entry: Any) -> None:
        cursor = self.cursors.get(entry["id"])
        if entry["room"] is None:
            assert cursor is not None
            seqs = [event["seq"] for event in entry["events"]]
            assert seqs == visible(self.owner, self.known[entry["id"]], cursor, entry["head"])
            assert seqs
        else:
            assert (cursor, entry["reset"], entry["limited"]) == (None, False, None)
            assert entry["events"] == []
        self.cursors[entry["id"]] = entry["head"]


def act(dice: random.Random, owner: Person, guest: Person, room: Any) -> None:
    """Perform a random change of a room."""
    url = f"/v1/rooms/{room['id']}"
    person = dice.choice([owner, guest])
    known = list(Message.objects.filter(room=room["id"]).values_list("pk", flat=True))
    match dice.randrange(8):
        case 0 | 1 | 2 | 3:
            person.post(f"{url}/messages", {"client_id": str(dice.random())[2:], "text": "Hi"})
        case 4 if known:
            person.patch(f"{url}/messages/{dice.choice(known)}", {"text": str(dice.random())})
        case 5 if known:
            person.delete(f"{url}/messages/{dice.choice(known)}")
        case 6:
            owner.delete(f"{url}/members/{guest.user.id}")
        case _:
            owner.put(f"{url}/members/{guest.user.id}")


@pytest.mark.parametrize("seed", range(6))
def test_every_sync_has_exactly_the_visible_events(alice: Person, bob: Person, seed: int) -> None:
    dice = random.Random(seed)
    rooms = [make_room(alice, members=[bob], history=history) for history in ("shared", "since_joined") * 2]
    device = Device(bob, rooms)

    for _ in range(12):
        for _ in range(dice.randrange(10)):
            act(dice, alice, bob, dice.choice(rooms))
        device.sync(limit=dice.choice([1, 2, 5, 1_000]), most_pages=dice.choice([1, 2, 100]))
    assert device.sync(limit=1_000, most_pages=100)

    mine = {room["id"] for room in bob.get("/v1/rooms").json()["results"]}
    assert device.cursors == {room_id: StreamHead.objects.get(pk=room_id).last_seq for room_id in mine}
    assert device.inbox == Event.objects.filter(stream=bob.user.id).count()
