"""Every device received exactly the events that its owner may see: once, in order, the same for everybody."""

from collections import defaultdict
from collections.abc import Iterator

from tests.chaos.checker.people import check_stub
from tests.chaos.checker.world import Anomaly, Event, World
from tests.chaos.history import Record
from tests.model.membership import membership_changes

REPLAY_EVENTS = 1_000  # a device that is missing more receives `limited`
DELETED_SECONDS = 15.0  # a frozen process may still replay a message that another has just deleted


class Story:
    """One device's way through one stream."""

    def __init__(self, world: World, device: str, stream: str) -> None:
        self.world, self.device, self.stream = world, device, stream
        self.user = world.users[device]
        self.at: int | None = None
        self.left = False  # by the events that this device itself received
        self.last: Record | None = None

    def take(self, record: Record) -> Iterator[Anomaly]:
        """Judge the next record of this device and stream."""
        if record["kind"] == "start":
            self.at, self.left = record["after"], False
        elif record["kind"] == "limited":
            yield from self._take_limited(record)
        elif record["kind"] == "reset":
            yield Anomaly("reset", f"{self.name} was reset, and nobody rewrote the past", (record,))
            self.at = record["head"]
        elif record["seq"] is None:
            if self.left:
                yield Anomaly("leak", f"{self.name} got {record['type']} after it had received its leave", (record,))
        else:
            yield from self._take_event(record)
            self.last = record

    @property
    def name(self) -> str:
        """The device and the room, for messages."""
        room = self.world.rooms.get(self.stream, {"name": "inbox"})
        return f"{self.device} in {room['name'] or 'direct'}"

    def _take_event(self, record: Record) -> Iterator[Anomaly]:
        seq, at = record["seq"], self.at
        if not self.world.sees(self.user, self.stream, seq, record["t"]):
            yield Anomaly(
                "leak",
                f"{self.name} got {seq} and may not see it",
                (record, *self.world.periods.get((self.stream, self.user), ())),
            )
        if at is None:
            yield Anomaly("order", f"{self.name} got {seq} of a stream that it never began", (record,))
        elif seq <= at:
            kind = "twice" if seq == at or self.last is None else "order"
            yield Anomaly(kind, f"{self.name} got {seq} and had got {at}", (self.last, record))
        elif missing := self.missing(at, seq - 1):
            yield Anomaly("lost", f"{self.name} got {seq} after {at} and never {missing[:5]}", (self.last, record))
        self.at = max(seq, at or 0)
        self.left = not membership_changes(self.world.bodies[record["key"]]).get(self.user, not self.left)

    def _take_limited(self, record: Record) -> Iterator[Anomaly]:
        missed = self.missing(record["from"] - 1, record["to"])
        if len(missed) <= REPLAY_EVENTS:
            yield Anomaly("limited", f"{self.name} was missing only {len(missed)} events", (record,))
        self.at = record["to"]

    def missing(self, after: int, to: int) -> list[int]:
        """The seqs in between that the user sees."""
        return [seq for seq in range(after + 1, to + 1) if self.world.sees(self.user, self.stream, seq)]

    def missing_at_the_end(self) -> list[int]:
        """The seqs that should have come by now; none for a user who is not a member."""
        if self.at is None or not self.world.is_member(self.user, self.stream):
            return []
        return self.missing(self.at, self.world.head(self.stream))


def stories(world: World) -> Iterator[tuple[Story, list[Record]]]:
    """Every device's records of every stream, in order."""
    found: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in sorted(
        (record for kind in ("start", "event", "limited", "reset") for record in world.by_kind[kind]),
        key=lambda record: record["t"],
    ):
        found[record["device"], record["stream"]].append(record)
    for (device, stream), records in found.items():
        yield Story(world, device, stream), records


def check_receipts(world: World) -> Iterator[Anomaly]:
    """Exactly once and in order, nothing that is not theirs, and everything to the end."""
    finished = {record["device"]: record["cursors"] for record in world.by_kind["finish"]}
    received: set[tuple[str, str]] = set()
    for story, records in stories(world):
        for record in records:
            yield from story.take(record)
        received.add((story.device, story.stream))
        if story.device in finished and (missing := story.missing_at_the_end()):
            yield Anomaly("lost", f"{story.name} ended at {story.at} and never got {missing[:5]}", (story.last,))
    for device in finished:
        user = world.users[device]
        for room in world.rooms:
            if world.is_member(user, room) and (device, room) not in received:
                yield Anomaly("lost", f"{device} never learned that its owner is in {world.rooms[room]['name']}")


def check_agreement(world: World) -> Iterator[Anomaly]:
    """All devices received the same event for a seq: that of the log, or its text before the message was deleted."""
    variants: dict[tuple[str, int], dict[str, Record]] = defaultdict(dict)
    latest: dict[str, Record] = {}
    for record in world.by_kind["event"]:
        if record["seq"] is not None:
            variants[record["stream"], record["seq"]].setdefault(record["key"], record)
            latest[record["key"]] = record
    for (stream, seq), receipts in variants.items():
        final = world.log[stream].get(seq)
        if final is None:
            yield Anomaly("phantom", f"{stream} {seq} is not in the log", tuple(receipts.values()))
            continue
        stubs = {key for key in receipts if world.bodies[key]["data"].get("blocked")}
        for key in stubs:
            yield from check_stub(final, world.bodies[key])
        others = [key for key in receipts if key not in stubs and world.bodies[key] != final]
        if others and not _was_deleted(world, final):
            yield Anomaly("agreement", f"{stream} {seq} differs from the log", (final, world.bodies[others[0]]))
        elif len(others) > 1:
            yield Anomaly("agreement", f"{stream} {seq} was two things", tuple(world.bodies[key] for key in others))
        elif others:
            yield from _check_tombstone(world, final, world.bodies[others[0]], latest[others[0]])


def _was_deleted(world: World, event: Event) -> bool:
    return event["type"] in ("message.created", "message.edited") and event["data"]["id"] in world.deleted


def _check_tombstone(world: World, final: Event, created: Event, latest: Record) -> Iterator[Anomaly]:
    gone = {
        (call["room"], call["message"]): world.done[call["op"]]["t"]
        for call in world.by_kind["call"]
        if call["what"] == "delete" and world.done.get(call["op"], {}).get("status") == 204
    }
    deleted_at = gone.get((final["room_id"], final["data"]["id"]))
    if created["data"]["id"] != final["data"]["id"] or created["data"]["seq"] != final["data"]["seq"]:
        yield Anomaly("agreement", "before its deletion the message was another one", (created, final))
    if deleted_at is not None and latest["t"] > deleted_at + DELETED_SECONDS:
        yield Anomaly("deleted", f"{latest['device']} got the text long after its deletion", (latest, created))


def check_canaries(world: World) -> Iterator[Anomaly]:
    """No byte that a user received, in any answer, is of an event that the user may not see."""
    places: dict[str, list[Record]] = defaultdict(list)
    created: dict[str, Event] = {}
    for call in world.by_kind["call"]:
        if "text" in call:
            places[_canary(call["text"])].append(call)
    seqs: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for body in [*world.bodies.values(), *(event for room in world.rooms for event in world.log[room].values())]:
        if body["type"] == "message.created":
            created[body["data"]["id"]] = body
        if body["type"].startswith("message.") and body["data"]["text"]:
            seqs[_canary(body["data"]["text"])].append((body["room_id"], body["seq"]))
    for record in world.by_kind["canary"]:
        token, user = record["token"], record["user"]
        if any(call["user"] == user for call in places[token]):
            continue
        owned = seqs[token] or [(call["room"], _created_seq(created, call)) for call in places[token]]
        if not any(_may_have(world, user, room, seq, created, places[token], record["t"]) for room, seq in owned):
            yield Anomaly("leak", f"user {user} got a canary that is not theirs", (record, places[token], owned))


def _created_seq(created: dict[str, Event], call: Record) -> int:
    event = created.get(call.get("message", ""))
    return int(event["seq"]) if event else 0


def _may_have(
    world: World, user: str, room: str, seq: int, created: dict[str, Event], calls: list[Record], at: float
) -> bool:
    """True when the user may see the event; or the message in history, as a member after the event."""
    if world.sees(user, room, seq, at):
        return True
    original = next((created[call["message"]]["seq"] for call in calls if call.get("message") in created), None)
    return (
        original is not None
        and world.sees(user, room, original, at)
        and any(each.last is None or each.last >= seq for each in world.periods.get((room, user), ()))
    )


def _canary(text: str) -> str:
    start = text.find("cnry")
    return text[start : start + 16]
