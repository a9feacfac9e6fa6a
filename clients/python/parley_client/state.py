"""One room, folded from the server's Room, pages of history and events. It has no connection and no store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from parley_client.unread import Unread

Json = dict[str, Any]

NOT_CHANGED = frozenset({"id", "room_id", "seq", "version", "base_version", "change", "reaction"})  # of a partial event
# The content of a message of which nothing is shown.
NOTHING: Json = {
    "text": None, "metadata": {}, "reply_to": None, "mentions": {"users": [], "room": False}, "attachments": [],
    "forwarded": None,
}  # fmt: skip
# What a message without its content has; what replies to it stays.
EMPTY: Json = {
    **NOTHING, "reactions": [], "pinned_at": None, "pinned_by": None, "streaming": False, "interrupted": False,
}  # fmt: skip
MOST_KEPT = 200  # messages of a room in the store; older ones are pages of history


class RoomState:
    """A room of the user `me`. `shape` is the Room as the server renders it, with every change since."""

    def __init__(self, me: str, shape: Json) -> None:
        self.me = me
        self.messages: dict[str, Json] = {}
        self.is_open = False  # the newest page was loaded: from `first` on every message is held
        self.first, self.more_before = 0, True
        self.changed: set[str] = set()  # messages that the store does not have in this version
        self.stale: dict[str, int] = {}  # messages to be loaded again, and the version that is known to exist
        self.saved: set[str] = set()  # messages that the store has
        self.typing: list[str] = []
        self._awaited: Json | None = None  # loaded, and newer than the events so far
        self._recent: list[Json] | None = None  # events while a page is on its way
        self.load(shape)

    def load(self, shape: Json) -> None:
        """Take a Room that the server has just rendered."""
        self.shape = shape
        self.is_outdated = False  # the Room must be loaded again: its events do not tell everything
        mine = shape["me"]
        self._marked: int = shape["head"]
        self._hidden_at: int | None = shape["head"] if mine.get("hidden") else None
        self._unread = Unread(shape["head"], mine.get("unread") or 0, bool(mine.get("unread_capped")))

    def update(self, shape: Json) -> bool:
        """Take a Room that may be newer than the events so far. False when it is older: load it again."""
        self._awaited = shape if shape["head"] > self.cursor else None
        if shape["head"] == self.cursor:
            self.load(shape)
        return bool(shape["head"] >= self.cursor)

    def stored(self) -> Json:
        """The record of the room in the store, beside those of its newest messages."""
        kept = self.newest()[-MOST_KEPT:]
        is_whole = len(kept) == len(self.messages)
        return {
            "shape": self.shape,
            "is_open": self.is_open,
            "first": self.first if is_whole else kept[0]["seq"],
            "more_before": self.more_before or not is_whole,
            "is_outdated": self.is_outdated,
            "stale": self.stale,
        }

    @classmethod
    def restore(cls, me: str, stored: Json, messages: Iterable[Json]) -> RoomState:
        """The room as the store had it."""
        state = cls(me, stored["shape"])
        state.is_open, state.first, state.more_before = stored["is_open"], stored["first"], stored["more_before"]
        state.is_outdated = stored["is_outdated"]
        state.messages = {each["id"]: each for each in messages if each["seq"] >= state.first}
        stale = stored.get("stale", {}).items()
        state.stale = {each: version for each, version in stale if each in state.messages}
        return state

    @property
    def cursor(self) -> int:
        """The seq of the last event that is applied."""
        return int(self.shape["head"])

    @property
    def is_member(self) -> bool:
        return bool(self.shape["me"]["state"] == "joined")

    @property
    def unread(self) -> int:
        """The number of unread messages; exact where all of them are held, otherwise as the server counted."""
        after = self.read_seq
        if self.is_open and (not self.more_before or self.first <= after + 1):
            others = (each for each in self.messages.values() if each["seq"] > after and in_main_line(each))
            return sum(
                each["sender"]["id"] != self.me and not each["deleted_at"] and not each.get("blocked")
                for each in others
            )
        return self._unread.count

    @property
    def read_seq(self) -> int:
        return int(self.shape["me"].get("read_seq") or 0)

    def newest(self) -> list[Json]:
        """All messages that are held, oldest first."""
        return sorted(self.messages.values(), key=lambda each: int(each["seq"]))

    def clear(self) -> None:
        """Forget the messages: they may be wrong."""
        self.messages.clear()
        self.changed.clear()
        self.stale.clear()
        self.is_open, self.first, self.more_before = False, 0, True

    # Messages

    def put(self, message: Json) -> None:
        """Take a message, unless the held copy is as new."""
        held = self.messages.get(message["id"])
        if held is None or self._supersedes(message, held):
            self._replace(message)
        if message["version"] >= self.stale.get(message["id"], 0):
            self.stale.pop(message["id"], None)

    def _supersedes(self, message: Json, held: Json) -> bool:
        """A newer version does, and one of the same version when the held copy is not whole."""
        if message["version"] != held["version"]:
            return bool(message["version"] > held["version"])
        if held.get("blocked"):
            return True
        if held.get("streaming") and message.get("streaming"):
            return len(message["text"] or "") > len(held["text"] or "")
        return bool(held.get("streaming") or message["id"] in self.stale)

    def take(self, message: Json) -> None:
        """Take a message that a reply brought, if it is held or newer than all that are."""
        if message["id"] in self.messages or (self.is_open and message["seq"] >= self.first):
            self.put(message)

    def expect_page(self) -> None:
        """A page was asked for: it may be older than the events that arrive meanwhile."""
        self._recent = []

    def place(self, page: Json) -> None:
        """Take the page that was asked for, and apply to it what has happened since."""
        for message in page["results"]:
            self.put(message)
        oldest, self.more_before = page["page"]["oldest_seq"], page["page"]["more_before"]
        self.first = oldest if oldest is not None and self.more_before else 0
        self.is_open = True
        on_page = {each["id"] for each in page["results"]}
        for event in self._recent or ():
            if event["room_id"] is None or event["seq"] > page["head"]:
                self._apply_to_held(event, on_page)
        self._recent = None

    # Events

    def apply(self, event: Json) -> None:
        """Apply the next event of the room. An event of a type that is not known only moves the cursor."""
        if self._recent is not None:
            self._recent.append(event)
        self.shape = {**self.shape, "head": event["seq"], "last_event_at": event["at"]}
        kind: str = event["type"]
        if kind.startswith("message."):
            self._apply_message(event)
        elif kind.startswith("room."):
            changes = {key: value for key, value in event["data"].items() if key != "members"}
            if kind != "room.updated" or changes.get("posting") != self.shape.get("posting"):
                self.is_outdated = True  # the rights have changed
            self.shape = {**self.shape, **changes, "head": event["seq"]}
        elif kind.startswith("member."):
            self._apply_member(event)
        elif kind in ("mute.created", "mute.ended"):
            self.is_outdated = self.is_outdated or event["data"]["user"]["id"] == self.me
        else:
            self._apply_to_held(event, set(self.messages))
        if self._awaited is not None and self._awaited["head"] <= event["seq"]:
            self.update(self._awaited)

    def _apply_message(self, event: Json) -> None:
        message, seq = event["data"], event["seq"]
        is_new, is_mine = event["type"] == "message.created", message["sender"]["id"] == self.me
        if message["id"] in self.messages or (is_new and self.is_open):
            self.put(message)
        if not in_main_line(message):
            return
        if is_new:
            self.shape = {**self.shape, "last_message_at": event["at"]}
            self.typing = [each for each in self.typing if each != message["sender"]["id"]]
            if self._hidden_at is not None and seq > self._hidden_at:
                self._hidden_at = None
                self._change_me(hidden=False)
        last = self.shape.get("last_message")
        if is_new or (last and last["id"] == message["id"]):
            self.shape = {**self.shape, "last_message": message}
        counts = not is_mine and not message.get("blocked") and event["type"] != "message.edited"
        if is_mine and is_new:
            self._mark_here(seq)
        elif counts and message["seq"] > self.read_seq:
            self._unread.change(seq, message["seq"], 1 if is_new else -1)

    def _apply_member(self, event: Json) -> None:
        by = {"member.joined": 1, "member.left": -1, "member.removed": -1}.get(event["type"], 0)
        self.shape = {**self.shape, "member_count": self.shape["member_count"] + by}
        data = event["data"]
        if data["user"]["id"] != self.me:
            return
        self._change_me(state=data["state"], role=data["role"])
        self.is_outdated = True
        if by > 0:
            self._mark_here(event["seq"])

    def _apply_to_held(self, event: Json, ids: set[str]) -> None:
        """Apply an event to some of the messages: to all, or to those of a page that is older than it."""
        kind, data, seq = event["type"], event["data"], event["seq"]
        held = [self.messages[each] for each in ids if each in self.messages]
        if kind == "user.erased":
            for message in held:
                if message["sender"]["id"] == data["user"]["id"]:
                    self._replace({**message, "sender": data["user"]})
        elif kind == "messages.purged":
            for message in held:
                if message["seq"] < data["before_seq"] and message["version"] < seq:
                    self._replace(purged(message, event))
        elif kind in ("block.added", "block.removed"):
            self._apply_block(event, [each for each in held if each["sender"]["id"] == data["user_id"]])
        elif isinstance(data, dict) and "base_version" in data:
            self._merge(data)
        elif kind == "message.created" or (kind.startswith("message.") and data["id"] in ids):
            self.put(data)

    def _apply_block(self, event: Json, theirs: list[Json]) -> None:
        if event["type"] == "block.added":
            for message in theirs:
                self._replace(stub(message))
        else:
            self.stale |= {each["id"]: each["version"] for each in theirs if each.get("blocked")}

    def _replace(self, message: Json) -> None:
        self.messages[message["id"]] = message
        self.changed.add(message["id"])

    def _merge(self, data: Json) -> None:
        """Some fields of a message: they fit on the version that they name, any other copy is stale."""
        held = self.messages.get(data["id"])
        if held is None or held["version"] >= data["version"]:
            return
        fields = {key: value for key, value in data.items() if key not in NOT_CHANGED}
        if "reaction" in data and "reactions" in held:
            fields["reactions"] = with_reaction(held["reactions"], data["reaction"])
        if held["version"] == data["base_version"] and all(key in held for key in fields):
            self._replace({**held, **fields, "version": data["version"]})
        else:
            self.stale[data["id"]] = data["version"]

    def block(self, event: Json) -> None:
        """A block has begun or ended: the user's messages become stubs, or their stubs are loaded again."""
        if self._recent is not None:
            self._recent.append(event)
        self._apply_to_held(event, set(self.messages))
        last = self.shape.get("last_message")
        if event["type"] == "block.added" and last and last["sender"]["id"] == event["data"]["user_id"]:
            self.shape = {**self.shape, "last_message": stub(last)}

    def grow(self, part: Json) -> None:
        """Append a part to the text of a streamed message. When parts before it are missing, the message is stale."""
        held = self.messages.get(part["id"])
        if held is None or not held.get("streaming") or held["text"] is None:
            return
        known = len(held["text"]) - part["offset"]
        if known < 0:
            self.stale[part["id"]] = held["version"]
        elif known < len(part["text"]):
            self._replace({**held, "text": held["text"] + part["text"][known:]})

    def resume(self) -> None:
        """The connection is back. Parts of streamed messages are not replayed, so these are loaded again."""
        for message in self.messages.values():
            if message.get("streaming"):
                self.stale.setdefault(message["id"], message["version"])

    # The user's own part

    def _change_me(self, **fields: Any) -> None:
        self.shape = {**self.shape, "me": {**self.shape["me"], **fields}}

    def _mark_here(self, seq: int) -> None:
        """An own message or the own entry moves the marker, unless a later event of the inbox has moved it."""
        if seq > self._marked:
            self._marked = seq
            self._change_me(read_seq=seq)
            self._unread.count_at(seq, 0, False, seq)

    def mark(self, data: Json) -> None:
        """The own marker has moved, on this or another device, as of `head` of this room."""
        if data["head"] < self._marked:
            return
        self._marked = data["head"]
        self._change_me(read_seq=data["read_seq"])
        if data.get("unread") is not None:
            self._unread.count_at(data["head"], data["unread"], bool(data.get("unread_capped")), data["read_seq"])

    def prefer(self, data: Json) -> None:
        """The room was hidden or shown, as of `head`: a newer message has ended it."""
        last = self.shape.get("last_message")
        is_over = last is not None and last["seq"] > data["head"]
        self._hidden_at = data["head"] if data.get("hidden") and not is_over else None
        fields = {key: value for key, value in data.items() if key not in ("room_id", "head")}
        self._change_me(**{**fields, "hidden": self._hidden_at is not None})

    def skip_to(self, seq: int) -> None:
        """The events up to this seq are not for the user."""
        if seq > self.cursor:
            self.shape = {**self.shape, "head": seq}


def in_main_line(message: Json) -> bool:
    """Replies in threads are not in the main line of the room, unless they were sent there too."""
    return not message.get("thread_root") or bool(message.get("in_room"))


def with_reaction(reactions: list[Json], changed: Json) -> list[Json]:
    """Reactions in the order of their first use, with one of them replaced, appended, or dropped at 0."""
    keys = [each["key"] for each in reactions]
    if changed["key"] not in keys:
        return [*reactions, changed] if changed["count"] else reactions
    replaced = [changed if each["key"] == changed["key"] else each for each in reactions]
    return [each for each in replaced if each["count"]]


def stub(message: Json) -> Json:
    """A message of a user who is blocked."""
    return {**message, **NOTHING, "blocked": True}


def purged(message: Json, event: Json) -> Json:
    """A message that the server no longer keeps."""
    empty = {key: value for key, value in EMPTY.items() if key in message}
    return {**message, **empty, "deleted_at": message["deleted_at"] or event["at"], "version": event["seq"]}
