"""Threads and mentions of sends. A batch without them reads and writes nothing for them."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from api.models import Message
from api.seq_ranges import SeqRange, contains
from api.services.messages.mentions import NO_MENTIONS, Mentions, Named, record_mentions
from api.services.messages.threads import find_roots, record_replies
from eventlog.transaction import EventTransaction
from wire.problems import Problem, invalid


class Sent(Protocol):
    """A send, as far as its extra fields go."""

    @property
    def key(self) -> tuple[UUID, UUID, str]:
        """The room, the sender and the client_id."""

    @property
    def thread_root(self) -> UUID | None:
        """The message in whose thread this one replies."""

    @property
    def in_room(self) -> bool:
        """True for a reply that the main line shows too."""

    @property
    def mentions(self) -> Mentions | None:
        """The users and the room that it names."""


class Extra:
    """The threads and mentions of a batch of sends, read under the locks of the rooms."""

    def __init__(self, sends: Sequence[Sent]) -> None:
        self._roots = find_roots({send.thread_root for send in sends if send.thread_root is not None})
        self._named = Named([(send.key[:2], send.mentions) for send in sends if send.mentions is not None])

    def check(self, send: Sent, visible: Sequence[SeqRange]) -> Problem | None:
        """Return why a message is refused, or None. `visible` are the ranges that its sender may see."""
        if send.thread_root is not None:
            root = self._roots.get(send.thread_root)
            if root is None or root.room_id != send.key[0]:
                return invalid("thread_root", "not_found", "There is no such message in this room.")
            if not contains(visible, root.seq):
                return Problem("not_found", "There is no such message.")
            if root.deleted_at is not None:
                return invalid("thread_root", "deleted", "This message is deleted.")
            if root.thread_root is not None:
                return invalid("thread_root", "in_thread", "This message is in a thread itself.")
        return None if send.mentions is None else self._named.check(send.key[:2], send.mentions)

    def fields(self, send: Sent) -> Mapping[str, Any]:
        """Return the fields of the Message that its defaults lack."""
        kept = NO_MENTIONS if send.mentions is None else self._named.keep_members(send.key[0], send.mentions)
        return {"mentions": kept, "thread_root": send.thread_root, "in_room": send.in_room}

    def record(self, log: EventTransaction, messages: Sequence[Message]) -> None:
        """Write what the new messages, which are inserted already, change of threads and mentions."""
        record_mentions(messages)
        record_replies(log, messages, self._roots)
