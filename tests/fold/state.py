"""The state of a good client: a pure fold of the snapshots that it read and the events that it received."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypedDict

JSON = dict[str, Any]

UNREAD_EXACT = 999
# The rights of each role, as in the contract; the order is the server's.
MEMBER = ["send", "react", "leave"]
OVER_PEOPLE = ["add_members", "remove_members", "invite", "ban", "mute", "bypass_slow_mode"]
ADMIN = ["send", "react", "pin", "mention_room", "delete_any", *OVER_PEOPLE, "update", "leave"]
OWNER = [*ADMIN[:-2], "set_roles", "update", "archive", "leave"]
DIRECT = ["send", "react", "pin", "mention_room"]
NOT_IN_READ_ONLY = {"send", "react", "mention_room"}
PREFERENCES = ("notify", "snoozed_until", "pinned")
CAN = {"member": MEMBER, "admin": ADMIN, "owner": OWNER}
MENTION_ROOM_UP_TO = 20  # members; in a larger room only admins and owners mention everybody
CAN_IN_ARCHIVED = {"member": ["leave"], "admin": ["leave"], "owner": ["unarchive", "leave"]}


# The fields of a partial event that say where it belongs; the others are those of the message.
PARTIAL = ("id", "room_id", "seq", "version", "base_version")
NO_CONTENT: JSON = {
    "mentions": {"users": [], "room": False},
    "attachments": [],
    "reactions": [],
    "pinned_at": None,
    "pinned_by": None,
    "forwarded": None,
    "streaming": False,
    "interrupted": False,
}


class Loaded(TypedDict):
    """A room as REST shows it to one viewer: itself, the whole of its visible history, its members, its pins.

    `messages` are those of the main line and of all threads; `threads` are those that the viewer follows. `mine` are
    the viewer's own reactions, by message id.
    """

    room: JSON
    messages: list[JSON]
    members: list[JSON]
    mine: dict[str, list[str]]
    pins: list[str]
    threads: list[JSON]


class Snapshot(TypedDict):
    """Everything that one viewer sees by REST. `unread_total` is that of `GET me`; `lists` are the ids in GET rooms."""

    inbox: int
    me: JSON  # without the counts
    blocks: list[str]  # the ids of the users whom the viewer blocks
    unread_total: int
    unread: JSON  # GET me/unread
    threads: list[JSON]  # GET me/threads
    rooms: list[Loaded]
    lists: dict[str, list[str]]


@dataclass
class Follow:
    """The viewer's place in a thread. `following` stands as of the room's seq `as_of`."""

    following: bool
    read_seq: int
    as_of: int = 0

    def follow(self, seq: int, read_seq: int) -> None:
        """Come to follow the thread at a seq, with the marker there; one who follows it already keeps the marker."""
        if seq > self.as_of:
            if not self.following:
                self.read_seq = max(self.read_seq, read_seq)
            self.following, self.as_of = True, seq


@dataclass
class Room:
    """One room of the viewer, kept after they leave, because they may rejoin.

    `stale` means that events are missing that the viewer may not see (in a `since_joined` room those between a leave
    and a rejoin), so that the room must be loaded again. So must a message that has missed a change.
    """

    viewer: str
    shape: JSON
    state: str
    role: str
    read_seq: int
    messages: dict[str, JSON] = field(default_factory=dict)
    members: dict[str, JSON] = field(default_factory=dict)
    mine: dict[str, list[str]] = field(default_factory=dict)
    marked: int = 0  # the room's seq as of which the read marker stands
    hidden_at: int | None = None  # the room's seq as of which the viewer does not want to see it listed
    preferences: JSON = field(default_factory=lambda: {"notify": "all", "snoozed_until": None, "pinned": False})
    muted_until: str | None = None
    stale: bool = False
    follows: dict[str, Follow] = field(default_factory=dict)  # by the root of the thread
    peer_is_erased: bool = False  # the other member of a direct room has deleted their account

    @classmethod
    def loaded(cls, viewer: str, loaded: Loaded) -> Room:
        """Build a room from its REST responses."""
        shape, me = loaded["room"], loaded["room"]["me"]
        room = cls(viewer, dict(shape), me["state"], me["role"], me["read_seq"], marked=shape["head"])
        room.hidden_at = shape["head"] if me["hidden"] else None
        room.preferences, room.muted_until = {name: me[name] for name in PREFERENCES}, me["muted_until"]
        room.peer_is_erased = shape["kind"] == "direct" and me["can"] == []
        room.messages = {message["id"]: message for message in loaded["messages"]}
        room.follows = {row["root"]["id"]: Follow(True, row["read_seq"], shape["head"]) for row in loaded["threads"]}
        room.members = {member["user"]["id"]: member for member in loaded["members"]}
        room.mine = dict(loaded["mine"])
        return room

    @classmethod
    def created(cls, viewer: str, event: JSON) -> Room:
        """A room from its `room.created`: all there is at seq 1."""
        data, at = event["data"], event["at"]
        roles = {member["user_id"]: member["role"] for member in data["members"]}
        shape = {name: value for name, value in data.items() if name != "members"}
        shape |= {"head": event["seq"], "last_event_at": at, "last_message_at": None, "member_count": len(roles)}
        room = cls(viewer, shape, "joined", roles[viewer], read_seq=1, marked=1)
        if shape["kind"] == "direct" and event["actor_id"] != viewer:
            room.hidden_at = event["seq"]  # until the other writes
        room.members = {
            user_id: {"user": {"id": user_id}, "role": role, "state": "joined", "joined_at": at}
            for user_id, role in roles.items()
        }
        return room

    @property
    def id(self) -> str:
        return str(self.shape["id"])

    @property
    def head(self) -> int:
        return int(self.shape["head"])

    def apply(self, event: JSON) -> None:
        """Apply one durable event of this room; an event that was applied already changes nothing."""
        if event["seq"] <= self.head:
            return
        self.stale |= event["seq"] > self.head + 1
        self.shape |= {"head": event["seq"], "last_event_at": event["at"]}
        noun = event["type"].partition(".")[0]
        if noun in ("invite", "ban"):  # they are in lists of their own; member.removed ends the membership
            return
        appliers: dict[str, Callable[[JSON], None]] = {
            "room": self._apply_room,
            "member": self._apply_member,
            "message": self._apply_message,
            "thread": self._apply_partial,
            "messages": self._apply_purge,
            "reaction": self._apply_reaction,
            "pin": self._apply_partial,
            "user": self._apply_user,
            "mute": self._apply_mute,
        }
        appliers[noun](event)

    def _apply_room(self, event: JSON) -> None:
        self.shape |= event["data"]

    def _apply_member(self, event: JSON) -> None:
        kind, data = event["type"], event["data"]
        user_id = data["user"]["id"]
        if kind in ("member.left", "member.removed"):
            del self.members[user_id]
            self.shape["member_count"] -= 1
        else:
            self.members[user_id] = data
            self.shape["member_count"] += kind == "member.joined"
        if user_id == self.viewer:
            self.state, self.role = data["state"], data["role"]
            if kind == "member.joined":
                self._mark_here(event["seq"])
                for follow in self.follows.values():
                    follow.read_seq = max(follow.read_seq, event["seq"])
                self._show_here(event["seq"])

    def _apply_message(self, event: JSON) -> None:
        """Apply an event of a message. An edit of an unknown message is skipped: it is older than the join."""
        message = event["data"]
        known = self.messages.get(message["id"])
        if event["type"] == "message.created":
            self._follow_by(message)
            if is_main(message):
                self.shape["last_message_at"] = event["at"]
                self._show_here(event["seq"])
        if event["type"] == "message.created" or known:
            self.messages[message["id"]] = message if known is None or message["version"] > known["version"] else known
        if event["type"] == "message.created" and message["sender"]["id"] == self.viewer and is_main(message):
            self._mark_here(event["seq"])

        if message["deleted_at"]:
            self.mine.pop(message["id"], None)

    def append_text(self, part: JSON) -> None:
        """Apply text.appended; with a hole before it, or of a text that is held already, it changes nothing."""
        message = self.messages.get(part["id"])
        if message is None or message["blocked"] or not message["streaming"]:
            return
        if len(message["text"]) == part["offset"]:
            message["text"] += part["text"]

    def take(self, message: JSON) -> None:
        """Take a fetched message. Of two copies with one version the one with the longer text is newer."""
        known = self.messages.get(message["id"])
        if known is None or message["version"] < known["version"]:
            return
        if message["version"] > known["version"] or len(message["text"] or "") > len(known["text"] or ""):
            self.messages[message["id"]] = message

    def _apply_partial(self, event: JSON) -> None:
        """Merge the fields of a partial event into the message, if it has the version that they fit on."""
        data = event["data"]
        fields = {name: value for name, value in data.items() if name not in PARTIAL}
        self._merge(data, lambda message: fields)

    def _apply_reaction(self, event: JSON) -> None:
        """Merge `reaction.changed`: its reaction replaces that of the key, is the last of all, or is gone at 0."""
        data = event["data"]
        self._merge(data, lambda message: {"reactions": merge_reaction(message["reactions"], data["reaction"])})
        change = data["change"]
        if change["user_id"] == self.viewer and data["id"] in self.messages:
            keys = [key for key in self.mine.get(data["id"], []) if key != change["key"]]
            self.mine[data["id"]] = [*keys, change["key"]] if change["on"] else keys

    def _merge(self, data: JSON, fields: Callable[[JSON], JSON]) -> None:
        message = self.messages.get(data["id"])
        if message is None or message["version"] >= data["version"]:
            return
        if message["version"] == data["base_version"]:
            message |= {**fields(message), "version": data["version"]}
        else:
            self.stale = True

    def _follow_by(self, reply: JSON) -> None:
        """Derive from a reply that the viewer follows its thread, and the thread's marker."""
        root_id, seq = reply["thread_root"], reply["seq"]
        if root_id is None:
            return
        root = self.messages.get(root_id)
        is_mine = reply["sender"]["id"] == self.viewer
        if root and root["sender"]["id"] == self.viewer and root["thread"] is None:
            # The thread's marker may have come by the inbox before.
            self.follows.setdefault(root_id, Follow(False, 0)).follow(root["seq"], root["seq"])
        if is_mine or self.viewer in reply["mentions"]["users"]:
            follow = self.follows.setdefault(root_id, Follow(False, 0))
            follow.follow(seq, seq if is_mine else seq - 1)
            if is_mine:
                follow.read_seq = max(follow.read_seq, seq)

    def set_following(self, following: bool, root_id: str, seq: int) -> None:
        """Apply thread.followed or thread.unfollowed, which are as of the room's seq in them."""
        follow = self.follows.setdefault(root_id, Follow(False, 0))
        if following:
            follow.read_seq = max(follow.read_seq, seq)
        if seq >= follow.as_of:
            follow.following, follow.as_of = following, seq

    def mark_thread(self, root_id: str, read_seq: int) -> None:
        """Apply thread.read: a marker of a thread moves only forward."""
        follow = self.follows.setdefault(root_id, Follow(False, 0))
        follow.read_seq = max(follow.read_seq, read_seq)

    def _apply_purge(self, event: JSON) -> None:
        """Apply messages.purged: every message below a seq is a tombstone of this version."""
        for message in self.messages.values():
            if message["seq"] < event["data"]["before_seq"]:
                deleted_at = message["deleted_at"] or event["at"]
                message |= {"text": None, "metadata": {}, "reply_to": None, **NO_CONTENT}
                message |= {"deleted_at": deleted_at, "version": event["seq"]}
                self.mine.pop(message["id"], None)

    def _apply_user(self, event: JSON) -> None:
        """Replace an erased user, by id, in messages, members and the peer."""
        user = event["data"]["user"]
        for message in self.messages.values():
            for shown in (message, message["forwarded"]):
                if shown is not None and shown["sender"]["id"] == user["id"]:
                    shown["sender"] = user
        for member in self.members.values():
            if member["user"]["id"] == user["id"]:
                member["user"] |= user
        peer = self.shape.get("peer")
        if peer is not None and peer["id"] == user["id"]:
            self.shape["peer"] = user
            self.peer_is_erased = True

    def hide(self, user_id: str) -> None:
        """Make stubs of the messages of a user whom the viewer blocks now."""
        for message in self.messages.values():
            if message["sender"]["id"] == user_id:
                message |= {"text": None, "metadata": {}, "mentions": {"users": [], "room": False}, "attachments": []}
                message |= {"reply_to": None, "forwarded": None, "blocked": True}

    def _apply_mute(self, event: JSON) -> None:
        """Apply mute.created or mute.ended; a mute without a time is one for ever."""
        if event["data"]["user"]["id"] == self.viewer:
            is_muted, until = event["type"] == "mute.created", event["data"]["until"]
            self.muted_until = (until or "9999-12-31T00:00:00.000Z") if is_muted else None

    def prefer(self, preferred: JSON) -> None:
        """Apply `room.preferred`; a message above its `head`, which may be here already, ends the hiding."""
        self.preferences = {name: preferred[name] for name in PREFERENCES}
        hidden, head = preferred["hidden"], preferred["head"]
        is_over = any(message["seq"] > head and is_main(message) for message in self.messages.values())
        self.hidden_at = head if hidden and not is_over else None

    def _show_here(self, seq: int) -> None:
        """A message, or my own return, ends the hiding unless a `room.preferred` has seen it already."""
        if self.hidden_at is not None and seq > self.hidden_at:
            self.hidden_at = None

    def mark(self, read_seq: int, head: int) -> None:
        """Apply `read.updated`, which is as of the room's `head` in it.

        Own sends and joins move the marker too, in the room's stream, and either stream may arrive first.
        """
        if head >= self.marked:
            self.read_seq, self.marked = read_seq, head

    def _mark_here(self, seq: int) -> None:
        """Move the marker to the viewer's own action, unless a `read.updated` is as of a later head."""
        if seq > self.marked:
            self.read_seq = self.marked = seq

    def view(self) -> JSON:
        """The room in the form of REST, with the fields that a fold can compute."""
        main = [message for message in self.messages.values() if is_main(message)]
        newest = max(main, key=lambda message: int(message["seq"]), default=None)
        # A reply to a root that the viewer may not see is in no list.
        listed = [each for each in self.messages.values() if is_main(each) or each["thread_root"] in self.messages]
        return {
            "room": {**self.shape, "me": self._me(), "last_message": newest},
            "messages": sorted(listed, key=lambda message: int(message["seq"])),
            "members": view_members(self.members.values()),
            "mine": {message_id: keys for message_id, keys in self.mine.items() if keys},
            "pins": sorted(message["id"] for message in self.messages.values() if message["pinned_at"]),
        }

    def _is_unread(self, message: JSON, read_seq: int) -> bool:
        is_shown = not message["deleted_at"] and not message["blocked"]
        return message["seq"] > read_seq and is_shown and message["sender"]["id"] != self.viewer

    def threads(self) -> list[JSON]:
        """The threads that the viewer follows, in the form of REST."""
        rows = []
        for root_id, follow in self.follows.items():
            root = self.messages.get(root_id)
            if root is None or not follow.following:
                continue
            replies = [message for message in self.messages.values() if message["thread_root"] == root_id]
            if not replies and root["thread"] is None and root["sender"]["id"] == self.viewer:
                continue  # my own message is listed from its first reply on
            unread = sum(self._is_unread(reply, follow.read_seq) for reply in replies)
            rows.append(
                {
                    "root": root,
                    "room_id": self.id,
                    "following": True,
                    "read_seq": follow.read_seq,
                    "unread": min(unread, UNREAD_EXACT),
                    "unread_capped": unread > UNREAD_EXACT,
                    "last_reply": max(replies, key=lambda reply: int(reply["seq"]), default=None),
                }
            )
        return rows

    def _me(self) -> JSON:
        unread_messages = [
            message
            for message in self.messages.values()
            if is_main(message) and self._is_unread(message, self.read_seq)
        ]
        mentions = [message["mentions"] for message in unread_messages]
        unread = len(unread_messages)
        return {
            "state": self.state,
            "role": self.role,
            "can": self._can(),
            "read_seq": self.read_seq,
            "unread": min(unread, UNREAD_EXACT),
            "unread_capped": unread > UNREAD_EXACT,
            "unread_mentions": sum(self.viewer in each["users"] or each["room"] for each in mentions),
            "unread_threads": sum(thread["unread"] > 0 for thread in self.threads()),
            **self.preferences,
            "hidden": self.hidden_at is not None,
            "muted_until": self.muted_until,
        }

    def _can(self) -> list[str]:
        if self.shape["kind"] == "direct":
            return [] if self.peer_is_erased else DIRECT
        can = (CAN_IN_ARCHIVED if self.shape["archived_at"] else CAN)[self.role]
        if self.role == "member" and "send" in can and self.shape["member_count"] <= MENTION_ROOM_UP_TO:
            can = [*can, "mention_room"]
        is_read_only = self.shape["posting"] == "admins" and self.role == "member"
        return [each for each in can if not is_read_only or each not in NOT_IN_READ_ONLY]


class State:
    """A viewer's rooms and inbox. A client then loads the rooms in `missing` and subscribes to those in `begun`.

    missing: rooms that are older than the viewer's membership, to be loaded by REST. begun: new rooms, to be folded
    from their first event on. Events of a missing room wait until it is loaded.
    """

    def __init__(self, viewer: str, snapshot: Snapshot) -> None:
        self.viewer = viewer
        self.inbox = snapshot["inbox"]
        self.me, self.blocks = snapshot["me"], set(snapshot["blocks"])
        self.rooms = {room["room"]["id"]: Room.loaded(viewer, deepcopy(room)) for room in snapshot["rooms"]}
        self.missing: set[str] = set()
        self.begun: set[str] = set()
        self._waiting: dict[str, list[JSON]] = {}
        self._peers: dict[str, JSON] = {}  # by direct room, the other member as `room.added` names them
        # By room, the newest marker and preference of one whose stream has not begun yet.
        self._marks: dict[str, JSON] = {}
        self._preferences: dict[str, JSON] = {}
        self._of_threads: dict[str, list[JSON]] = {}  # by such a room, the inbox's events of its threads

    @property
    def cursors(self) -> dict[str, int]:
        return {room.id: room.head for room in self.rooms.values()}

    @property
    def stale(self) -> list[str]:
        return [room.id for room in self.rooms.values() if room.stale and room.state == "joined"]

    @property
    def streaming(self) -> list[tuple[str, str]]:
        """The rooms and messages to fetch after a replay, which has the beginning of their texts only."""
        rooms = [room for room in self.rooms.values() if room.state == "joined"]
        return [(room.id, key) for room in rooms for key, message in room.messages.items() if message["streaming"]]

    def fold(self, events: Iterable[JSON]) -> None:
        """Apply these events, each stream's in order. Of the ephemeral ones only text.appended changes anything."""
        for event in events:
            if event["seq"] is not None:
                self._apply(deepcopy(event))
            elif event["type"] == "text.appended" and (room := self.rooms.get(event["room_id"])):
                room.append_text(event["data"])

    def load(self, loaded: Loaded) -> None:
        """Take a loaded room, and apply the events that waited for it."""
        room = self.rooms[loaded["room"]["id"]] = Room.loaded(self.viewer, deepcopy(loaded))
        self.missing.discard(room.id)
        self._marks.pop(room.id, None)  # a Room that is read after it is newer
        self._preferences.pop(room.id, None)
        for event in self._of_threads.pop(room.id, []):
            self._apply_thread(event)
        self.fold(self._waiting.pop(room.id, []))

    def forget(self, room_id: str) -> None:
        """Drop a room that could not be loaded because the viewer had left it."""
        self.missing.discard(room_id)
        self.begun.discard(room_id)

    def remove(self, room_id: str, reason: str, seq: int) -> None:
        """End the membership at `seq`, unless the room's own stream has later events."""
        room = self.rooms.get(room_id)
        if room is None:
            self.forget(room_id)
        elif room.head < seq:
            room.state = reason

    def _apply(self, event: JSON) -> None:
        room_id = event["room_id"]
        if room_id is None:
            self._apply_inbox(event)
        elif room := self.rooms.get(room_id):
            room.apply(event)
        elif event["type"] == "room.created":
            self._begin(Room.created(self.viewer, event))
        else:
            self._waiting.setdefault(room_id, []).append(event)

    def _begin(self, room: Room) -> None:
        self.rooms[room.id] = room
        room.shape["peer"] = self._peers.get(room.id)
        self.begun.discard(room.id)
        if moved := self._marks.pop(room.id, None):
            room.mark(moved["read_seq"], moved["head"])
        if preferred := self._preferences.pop(room.id, None):
            room.prefer(preferred)
        for event in self._of_threads.pop(room.id, []):
            self._apply_thread(event)

    def _apply_inbox(self, event: JSON) -> None:
        kind, data = event["type"], event["data"]
        if event["seq"] <= self.inbox:
            return
        assert event["seq"] == self.inbox + 1, "The inbox has no legal holes."
        self.inbox = event["seq"]
        if kind == "room.removed":
            self.remove(data["id"], data["reason"], data["seq"])
        elif kind == "room.added":
            self._add(data)
        elif kind == "read.updated":
            self._mark(event)
        elif kind == "room.preferred":
            self._prefer(event)
        elif kind == "me.updated":
            self.me = data
        elif kind in ("block.added", "block.removed"):
            self._block(data["user_id"], is_blocked=kind == "block.added")
        elif kind.startswith("thread."):
            self._apply_thread(event)

    def _block(self, user_id: str, *, is_blocked: bool) -> None:
        """Make stubs of what a blocked user wrote; after the block they are stale."""
        (self.blocks.add if is_blocked else self.blocks.discard)(user_id)
        for room in self.rooms.values():
            if is_blocked:
                room.hide(user_id)
            else:
                room.stale |= any(message["blocked"] for message in room.messages.values())

    def _add(self, data: JSON) -> None:
        """Apply `room.added`; the room's own stream may come first, but does not name the peer."""
        room = self.rooms.get(data["id"])
        if room is not None:
            room.shape["peer"] = data["peer"]
        else:
            self._peers[data["id"]] = data["peer"]
            (self.begun if data["seq"] == 1 else self.missing).add(data["id"])

    def _mark(self, event: JSON) -> None:
        moved = event["data"]
        room = self.rooms.get(moved["room_id"])
        if room is None:
            self._marks[moved["room_id"]] = moved
        else:
            room.mark(moved["read_seq"], moved["head"])

    def _apply_thread(self, event: JSON) -> None:
        data = event["data"]
        room = self.rooms.get(data["room_id"])
        if room is None:
            self._of_threads.setdefault(data["room_id"], []).append(event)
        elif event["type"] == "thread.read":
            room.mark_thread(data["thread_root"], data["read_seq"])
        else:
            room.set_following(event["type"] == "thread.followed", data["thread_root"], data["seq"])

    def _prefer(self, event: JSON) -> None:
        preferred = event["data"]
        room = self.rooms.get(preferred["room_id"])
        if room is None:
            self._preferences[preferred["room_id"]] = preferred
        else:
            room.prefer(preferred)

    def view(self) -> JSON:
        """Everything that REST shows."""
        rooms = [room for room in self.rooms.values() if room.state == "joined"]
        rooms.sort(key=lambda room: (room.shape["last_message_at"] or room.shape["created_at"], room.id), reverse=True)
        views = {room.id: room.view() for room in rooms}
        threads = [thread for room in rooms for thread in room.threads()]
        threads.sort(key=lambda thread: (_active_at(thread["root"]), thread["root"]["id"]), reverse=True)
        unread = _unread(views, threads)
        return {
            "inbox": self.inbox,
            "me": self.me,
            "blocks": sorted(self.blocks),
            "unread_total": unread["unread_total"],
            "unread": unread,
            "threads": threads,
            "lists": _lists(views),
            "rooms": views,
        }


def is_main(message: JSON) -> bool:
    """Return whether the main line of its room shows a message."""
    return message["thread_root"] is None or message["in_room"]


def _is_empty(room: JSON) -> bool:
    """Return whether a room is hidden and has no message, as a direct room that the other opened."""
    return room["me"]["hidden"] and room["last_message"] is None


def _active_at(root: JSON) -> str:
    return str(root["thread"]["last_reply_at"] if root["thread"] else root["created_at"])


def _unread(views: dict[str, JSON], threads: list[JSON]) -> JSON:
    """GET me/unread; a direct room opened by the other without a message is not in it."""
    mine = {room_id: view["room"]["me"] for room_id, view in views.items()}
    names = ("read_seq", "unread", "unread_capped", "unread_mentions")
    return {
        "unread_total": sum(me["unread"] for me in mine.values()),
        "mentions_total": sum(me["unread_mentions"] for me in mine.values()),
        "threads_total": sum(thread["unread"] > 0 for thread in threads),
        "rooms": {
            room_id: {"room_id": room_id, **{name: me[name] for name in names}}
            for room_id, me in mine.items()
            if not _is_empty(views[room_id]["room"])
        },
    }


def _lists(views: dict[str, JSON]) -> dict[str, list[str]]:
    """The lists of GET rooms by parameter; a direct room opened by the other without a message is in none."""

    def those(condition: Callable[[JSON], object]) -> list[str]:
        return [room_id for room_id, view in views.items() if condition(view["room"])]

    return {
        "": those(lambda room: not room["archived_at"] and not room["me"]["hidden"]),
        "archived": those(lambda room: room["archived_at"]),
        "hidden": those(lambda room: room["me"]["hidden"] and room["last_message"]),
    }


def view_snapshot(snapshot: Snapshot) -> JSON:
    """A snapshot in the form of a folded view."""
    rooms = snapshot["rooms"]
    views: JSON = {
        room["room"]["id"]: {
            "room": room["room"],
            "messages": room["messages"],
            "members": view_members(room["members"]),
            "mine": room["mine"],
            "pins": sorted(room["pins"]),
        }
        for room in rooms
    }
    unread = {
        row["room_id"]: row for row in snapshot["unread"]["rooms"] if not _is_empty(views[row["room_id"]]["room"])
    }
    hidden = [room_id for room_id in snapshot["lists"]["hidden"] if views[room_id]["room"]["last_message"]]
    return {
        **snapshot,
        "unread": {**snapshot["unread"], "rooms": unread},
        "lists": {**snapshot["lists"], "hidden": hidden},
        "rooms": views,
    }


def view_members(members: Iterable[JSON]) -> dict[str, JSON]:
    """Without the profiles and the read markers of others: the one is outside the log, the other ephemeral."""
    return {member["user"]["id"]: {name: member[name] for name in ("role", "state", "joined_at")} for member in members}


def merge_reaction(reactions: list[JSON], reaction: JSON) -> list[JSON]:
    """Replace the reaction of a key, append it, or drop it when its count is 0."""
    merged = [reaction if each["key"] == reaction["key"] else each for each in reactions]
    if reaction not in merged:
        merged.append(reaction)
    return [each for each in merged if each["count"]]


def differences(folded: Any, seen: Any, path: str = "") -> list[str]:
    """The differences of a fold and a snapshot, one line each."""
    if isinstance(folded, dict) and isinstance(seen, dict):
        keys = sorted(folded.keys() | seen.keys())
        return [
            line for key in keys for line in differences(folded.get(key), seen.get(key), f"{path}.{key}".lstrip("."))
        ]
    if isinstance(folded, list) and isinstance(seen, list) and len(folded) == len(seen):
        pairs = enumerate(zip(folded, seen, strict=True))
        return [line for place, (mine, theirs) in pairs for line in differences(mine, theirs, f"{path}[{place}]")]
    return [] if folded == seen else [f"{path}: folded {folded!r}, seen {seen!r}"]
