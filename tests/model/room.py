"""The rules of one room, written a second time, as simply as possible: what is answered, and what is there afterwards.

Each function returns the code of the problem with which the server must refuse, or None, and then changes the model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SHOWN_USERS = 5  # of a reaction


@dataclass
class Message:
    """One message. `reactions` are the users of each key in the order of their time."""

    id: str
    seq: int
    sender: str
    text: str
    root: str | None
    in_room: bool
    streaming: bool = False
    is_streamed: bool = False
    deleted: bool = False
    replies: int = 0
    reactions: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_main(self) -> bool:
        """True when the main line shows it."""
        return self.root is None or self.in_room


@dataclass
class Link:
    """A link that was made."""

    max_uses: int
    uses: int = 0
    gone: bool = False


@dataclass
class RoomModel:
    """A room of an owner, who writes and decides, and of users who come and go. `own` are those who came themselves."""

    owner: str
    is_public: bool
    members: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    bans: set[str] = field(default_factory=set)
    mutes: set[str] = field(default_factory=set)
    invited: set[str] = field(default_factory=set)
    blocks: set[tuple[str, str]] = field(default_factory=set)  # a user and the one whom they block
    links: dict[str, Link] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    delivered: dict[str, int] = field(default_factory=dict)
    has_sent: set[str] = field(default_factory=set)
    only_admins_post: bool = False
    is_slow: bool = False

    # Rules

    def outside(self, user: str) -> str | None:
        """A user who is no member gets nothing."""
        if user in self.members:
            return None
        return "room.not_member" if self.is_public or user in self.invited else "not_found"

    def silenced(self, user: str) -> str | None:
        """Why the user may not write."""
        if problem := self.outside(user):
            return problem
        if user in self.mutes:
            return "room.muted"
        return "room.read_only" if self.only_admins_post and user != self.owner else None

    def unreachable(self, user: str) -> str | None:
        """Why the owner may not add or invite the user."""
        if (user, self.owner) in self.blocks:
            return "user.blocked"
        return "room.user_banned" if user in self.bans else None

    # Members

    def enter(self, user: str, seq: int, *, by_owner: bool = False) -> None:
        """A user becomes a member, with a read marker at the join."""
        self.members.add(user)
        self.invited.discard(user)
        (self.own.discard if by_owner else self.own.add)(user)
        self.read[user] = seq

    def join(self, user: str, seq: int) -> str | None:
        """A user comes by the room itself, or by an invitation, which is used up."""
        if user in self.members:
            self.own.add(user)
            return None
        if not self.is_public and user not in self.invited:
            return "not_found"
        if user in self.bans:
            return "room.banned"
        self.enter(user, seq)
        return None

    def join_by_link(self, user: str, code: str, seq: int) -> str | None:
        """A user comes by a link; a member uses nothing of it."""
        link = self.links[code]
        if link.gone:
            return "not_found"
        if user in self.members:
            self.own.add(user)
            return None
        if link.uses >= link.max_uses:
            return "not_found"
        if user in self.bans:
            return "room.banned"
        link.uses += 1
        self.enter(user, seq)
        return None

    def add_link(self, code: str, max_uses: int) -> None:
        """The owner makes a link; those that are used up are forgotten."""
        for link in self.links.values():
            link.gone |= link.uses >= link.max_uses
        self.links[code] = Link(max_uses)

    def invite(self, user: str) -> str | None:
        """The owner invites a user."""
        if user in self.invited:
            return None
        if user in self.members:
            return "room.already_member"
        if problem := self.unreachable(user):
            return problem
        self.invited.add(user)
        return None

    def decline(self, user: str) -> str | None:
        """A user refuses an invitation."""
        if user not in self.invited:
            return self.outside(user) or "not_found"
        self.invited.discard(user)
        return None

    def add(self, user: str, seq: int) -> str | None:
        """The owner adds a user."""
        if user in self.members:
            return None
        if problem := self.unreachable(user):
            return problem
        self.enter(user, seq, by_owner=True)
        return None

    def ban(self, user: str) -> None:
        """The owner bans a user."""
        self.bans.add(user)
        self.members.discard(user)
        self.invited.discard(user)

    def mute(self, user: str) -> str | None:
        """The owner mutes a member; a mute outlives a leave."""
        if user not in self.members:
            return "not_found"
        self.mutes.add(user)
        return None

    # Messages

    def refuse_send(self, user: str, root: str | None) -> str | None:
        """Why a new message is refused; a reply needs a root that is neither a reply nor deleted."""
        if problem := self.silenced(user):
            return problem
        if self.is_slow and user != self.owner and user in self.has_sent:
            return "room.slow_mode"
        if root is not None and (self.messages[root].deleted or self.messages[root].root is not None):
            return "request.invalid"
        return None

    def sent(self, message: Message) -> None:
        """A message is there; its sender has read up to it, if the main line shows it, and has come themselves."""
        self.messages[message.id] = message
        self.has_sent.add(message.sender)
        self.own.add(message.sender)
        if message.is_main:
            self.read[message.sender] = message.seq
        if message.root is not None:
            self.messages[message.root].replies += 1

    def edit(self, message: Message, text: str) -> str | None:
        """The sender changes the text."""
        if problem := self.silenced(message.sender):
            return problem
        if message.deleted or message.streaming:
            return "message.deleted" if message.deleted else "message.streaming"
        message.text = text
        return None

    def delete(self, user: str, message: Message) -> str | None:
        """The sender or the owner leaves a tombstone, which has no reactions."""
        if problem := self.outside(user):
            return problem
        message.deleted, message.streaming = True, False
        message.reactions.clear()
        return None

    def react(self, user: str, message: Message, key: str, *, on: bool) -> str | None:
        """A user adds a reaction, or removes it; one that is so already does not change."""
        if problem := self.outside(user):
            return problem
        if self.only_admins_post and user != self.owner:
            return "room.read_only"
        if message.deleted:
            return "message.deleted" if on else None
        users = message.reactions.setdefault(key, [])
        if on and user not in users:
            users.append(user)
        elif not on and user in users:
            users.remove(user)
        if not users:
            del message.reactions[key]
        return None

    def append(self, message: Message, offset: int, text: str) -> str | None:
        """The sender goes on writing: at the end, or the same words again."""
        if problem := self.silenced(message.sender):
            return problem
        if not message.streaming:
            return "message.not_streaming"
        if message.text[offset : offset + len(text)] == text and offset + len(text) <= len(message.text):
            return None
        if offset != len(message.text):
            return "stream.offset"
        message.text += text
        return None

    def finish(self, message: Message) -> str | None:
        """The sender ends the stream; once more changes nothing."""
        if problem := self.silenced(message.sender):
            return problem
        if not message.is_streamed or message.deleted:
            return "message.not_streaming"
        message.streaming = False
        return None

    def acknowledge(self, user: str, seq: int) -> None:
        """A device of a member has got so far; a marker only moves forward."""
        if user in self.members:
            self.delivered[user] = max(self.delivered.get(user, 0), seq)

    # What a viewer sees

    def unread(self, viewer: str) -> int:
        """Messages of others in the main line above the marker, without tombstones and stubs."""
        return sum(
            message.seq > self.read[viewer] and message.is_main and not message.deleted
            for message in self.messages.values()
            if message.sender != viewer and (viewer, message.sender) not in self.blocks
        )

    def page(self, viewer: str) -> list[dict[str, object]]:
        """The main line as the viewer sees it."""
        shown = sorted((message for message in self.messages.values() if message.is_main), key=lambda one: one.seq)
        return [self.shape(viewer, message) for message in shown]

    def shape(self, viewer: str, message: Message) -> dict[str, object]:
        """One message as the viewer sees it."""
        is_stub = (viewer, message.sender) in self.blocks
        return {
            "id": message.id,
            "text": None if is_stub or message.deleted else message.text,
            "blocked": is_stub,
            "streaming": message.streaming,
            "replies": message.replies,
            "reactions": [[key, len(users), users[:SHOWN_USERS]] for key, users in message.reactions.items()],
        }

    def sees_presence(self, viewer: str, user: str) -> bool:
        """True when two members see the presence of each other: they came themselves, and neither blocks the other."""
        is_closed = {(viewer, user), (user, viewer)} & self.blocks
        return {viewer, user} <= self.members & self.own and not is_closed
