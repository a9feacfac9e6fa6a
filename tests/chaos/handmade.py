"""Small histories written by hand: a correct one, and the functions that add a fault to it."""

from datetime import UTC, datetime
from typing import Any

from tests.chaos.history import Record, digest

ROOM = "room-1"
ALICE, BOB = "alice", "bob"
START = 1_800_000_000.0


def at(second: float) -> str:
    """A time on the wire."""
    return datetime.fromtimestamp(START + second, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(seq: int, kind: str, data: dict[str, Any], second: float = 0.0) -> dict[str, Any]:
    """An event of the room."""
    return {"type": kind, "room_id": ROOM, "seq": seq, "at": at(second), "actor_id": ALICE, "data": data}


def created(seq: int, text: str, sender: str = ALICE, second: float = 0.0) -> dict[str, Any]:
    """A message, by its first event."""
    return event(seq, "message.created", message(seq, text, sender), second)


def message(seq: int, text: str | None, sender: str = ALICE) -> dict[str, Any]:
    """A message."""
    return {"id": f"m{seq}", "seq": seq, "version": seq, "client_id": f"c{seq}", "text": text, "sender": {"id": sender}}


def member(seq: int, kind: str, user: str, second: float = 0.0) -> dict[str, Any]:
    """An event of a member who joins or leaves."""
    return event(seq, f"member.{kind}", {"user": {"id": user}}, second)


def canary(number: int) -> str:
    """The canary of a message."""
    return f"cnry{number:012x}"


class Story:
    """A history under construction; the log and the receipts of the devices are added separately."""

    def __init__(self, rule: str = "shared") -> None:
        self.rule = rule
        self.log: list[dict[str, Any]] = []
        self.records: list[Record] = []
        self.deleted: set[str] = set()
        self.cursors: dict[str, dict[str, int]] = {}
        for user in (ALICE, BOB):
            self.add("device", device=f"{user}.0", user=user, slow=False)
        members = [{"user_id": user} for user in (ALICE, BOB)]
        self.log.append(event(1, "room.created", {"id": ROOM, "members": members}))

    def add(self, kind: str, second: float = 0.0, **fields: Any) -> Record:
        """A record."""
        self.records.append({"kind": kind, "t": START + second, **fields})
        return self.records[-1]

    def send(self, seq: int, second: float, sender: str = ALICE, status: int | None = 201) -> None:
        """A message that is sent, acknowledged and in the log."""
        text = canary(seq)
        self.log.append(created(seq, text, sender, second))
        self.attempt(seq, second, sender, status, text)

    def attempt(self, seq: int, second: float, sender: str, status: int | None, text: str, **done: Any) -> None:
        """A call and its answer."""
        op = len(self.records)
        call = {"device": f"{sender}.0", "user": sender, "session": f"s-{sender}", "room": ROOM}
        self.add("call", second, op=op, what="send", via="ws", server=0, client_id=f"c{seq}", text=text, **call)
        answer = {"id": f"m{seq}", "seq": seq} if status in (200, 201) else {}
        self.add("done", second + 0.1, **{"op": op, "status": status, "code": None, **answer, **done})

    def start(self, user: str, after: int, second: float = 0.0) -> None:
        """A device begins to follow the room."""
        self.add("open", second, conn=user, device=f"{user}.0", user=user, session=f"s-{user}", server=0)
        self.add("start", second, device=f"{user}.0", stream=ROOM, after=after)

    def get(self, user: str, message: dict[str, Any], second: float, via: str = "live") -> None:
        """A device gets an event."""
        key = digest(message)
        self.add("body", second, key=key, event=message)
        fields = {"conn": user, "device": f"{user}.0", "stream": ROOM, "via": via}
        self.add("event", second, **fields, seq=message["seq"], type=message["type"], key=key)

    def end(self) -> list[Record]:
        """Add the final reads, which agree with the log, and return the records."""
        for user in (ALICE, BOB):
            self.add("finish", 100, device=f"{user}.0", cursors={})
        head = max(each["seq"] for each in self.log)
        self.add("end_room", 100, rows=[{"id": ROOM, "kind": "private", "history": self.rule, "name": "room"}])
        self.add("end_head", 100, rows=[{"stream": ROOM, "last_seq": head}])
        self.add("end_log", 100, events=[{"stream": ROOM, "event": each} for each in self.log])
        self.add("end_message", 100, rows=[self._row(each) for each in self.log if each["type"] == "message.created"])
        return self.records

    def _row(self, message: dict[str, Any]) -> dict[str, Any]:
        data = message["data"]
        row = {"id": data["id"], "room_id": ROOM, "seq": data["seq"], "version": data["version"]}
        return {**row, "sender_id": data["sender"]["id"], "deleted_at": at(50) if data["id"] in self.deleted else None}


def all_is_well(rule: str = "shared") -> Story:
    """Two members, three messages, everybody gets everything."""
    story = Story(rule)
    for user in (ALICE, BOB):
        story.start(user, 1)
    for seq in (2, 3, 4):
        story.send(seq, seq)
        for user in (ALICE, BOB):
            story.get(user, story.log[-1], seq + 0.2)
            story.add("canary", seq + 0.2, user=user, token=canary(seq), where="socket")
    return story
