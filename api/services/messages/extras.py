"""What some sends need beyond text: threads and mentions. A batch without them reads and writes nothing for them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from api.models import Message
from api.seq_ranges import SeqRange, contains
from api.services.messages.mentions import Mentions, Named, Sender, record_mentions
from api.services.messages.threads import find_roots, record_replies
from eventlog.transaction import EventTransaction
from wire.problems import Problem, invalid

NO_MENTIONS: Mentions = {"users": [], "room": False}


class Extra:
    """The threads and mentions of a batch of sends, read under the locks of the rooms."""

    def __init__(self, roots: Sequence[UUID], mentions: Sequence[tuple[Sender, Mentions]]) -> None:
        self._roots = find_roots(set(roots))
        self._named = Named(mentions)

    def check(
        self, sender: Sender, thread_root: UUID | None, mentions: Mentions | None, visible: Sequence[SeqRange]
    ) -> Problem | None:
        """Return why a message is refused, or None. `visible` are the ranges that its sender may see."""
        if thread_root is not None:
            root = self._roots.get(thread_root)
            if root is None or root.room_id != sender[0]:
                return invalid("thread_root", "not_found", "There is no such message in this room.")
            if not contains(visible, root.seq):
                return Problem("not_found", "There is no such message.")
            if root.deleted_at is not None:
                return invalid("thread_root", "deleted", "This message is deleted.")
            if root.thread_root is not None:
                return invalid("thread_root", "in_thread", "This message is in a thread itself.")
        return None if mentions is None else self._named.check(sender, mentions)

    def fields(
        self, room_id: UUID, thread_root: UUID | None, in_room: bool, mentions: Mentions | None
    ) -> Mapping[str, Any]:
        """Return the fields of the Message that its defaults lack."""
        kept = NO_MENTIONS if mentions is None else self._named.keep_members(room_id, mentions)
        return {"mentions": kept, "thread_root": thread_root, "in_room": in_room}

    def record(self, log: EventTransaction, messages: Sequence[Message]) -> None:
        """Write what the new messages, which are inserted already, change of threads and mentions."""
        record_mentions(messages)
        record_replies(log, messages, self._roots)
