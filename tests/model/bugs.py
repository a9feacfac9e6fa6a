"""Planted bugs: each breaks one rule of the server, and a random walk must find it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from uuid import UUID

from django.db.models import F, Q

from api.models import Delivery, Member, Message
from api.models.links import LinkQuerySet
from api.serializers.invites import Ending
from api.serializers.partial_events import render_partial
from api.services import messages, reads, receipts
from api.services.members import access, invites, transitions
from api.services.members.access import find_participant
from api.services.messages import history, send
from api.services.messages.judgement import MUTED, SendContext
from api.services.messages.tombstones import empty
from api.services.reactions import reacted
from api.services.rooms import join
from realtime.presence import leases
from wire.problems import Problem


@dataclass(frozen=True)
class Bug:
    """A planted bug: the attribute to replace, its value, how it may be found, and the actions that bring it out."""

    owner: Any
    attribute: str
    broken: Any
    found_as: frozenset[str]
    often: tuple[str, ...]


BUGS: dict[str, Bug] = {}


def bug(owner: Any, attribute: str, *often: str, found_as: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as a bug that replaces this attribute; `found_as` are words with commas."""

    def register(broken: Callable[..., Any]) -> Callable[..., Any]:
        BUGS[broken.__name__] = Bug(owner, attribute, broken, frozenset(found_as.split(", ")), often)
        return broken

    return register


@contextmanager
def planted(name: str) -> Iterator[Bug]:
    """Plant this bug."""
    bug = BUGS[name]
    with patch.object(bug.owner, bug.attribute, bug.broken):
        yield bug


# Ways in


@bug(join, "is_banned", "ban", "join", "join_by_link", found_as="join, join by link")
def a_ban_leaves_a_way_in(*_: object) -> bool:
    return False


@bug(invites, "is_banned", "ban", "add", "invite", found_as="add, invite")
def a_ban_can_be_overruled_by_an_addition(*_: object) -> bool:
    return False


@bug(invites, "find_blockers", "block", "add", "invite", "leave", found_as="add, invite")
def the_blocked_can_invite(*_: object) -> set[UUID]:
    return set()


end_invite = transitions.end_invite


@bug(transitions, "end_invite", "invite", "join", found_as="invites, join, page, invite")
def an_invitation_is_accepted_twice(log: Any, invite: Any, ending: Ending, actor_id: UUID | None) -> None:
    end_invite(log, invite, ending, actor_id)
    if ending == Ending.ACCEPTED:
        invite.ended_at = None
        invite.save(update_fields=["ended_at"])


@bug(LinkQuerySet, "usable", "join_by_link", "leave", found_as="join by link")
def a_link_is_used_once_too_often(self: LinkQuerySet) -> LinkQuerySet:
    return self.filter(Q(max_uses=None) | Q(uses__lte=F("max_uses")))


# Writing


@bug(messages, "find_sender", "mute", "edit", found_as="edit")
def edits_bypass_a_mute(user_id: UUID, room_id: UUID) -> Member:
    return find_participant(user_id, room_id)


has = SendContext.has


@bug(SendContext, "has", "mute", "send", found_as="send")
def sends_bypass_a_mute(self: SendContext, bit: int) -> bool:
    return bit != MUTED and has(self, bit)


@bug(access, "check_may_post", "set_rules", "edit", "append", found_as="edit, append, finish")
def edits_bypass_posting(member: Member) -> None:
    """Let everybody edit."""


@bug(send, "_check_slow_mode", "send", found_as="send")
def slow_mode_is_not_kept(*_: object) -> None:
    """Let everybody send at once."""


# Messages


change = reacted.ReactedMessage.change


# A lone reaction cannot write a change without its event: there the call itself fails, as "react".
@bug(reacted.ReactedMessage, "change", "react", found_as="reaction, page, react")
def a_retried_reaction_counts_twice(
    self: reacted.ReactedMessage, log: Any, user_id: UUID, key: str, *, on: bool
) -> Problem | None:
    if on and key in self.keys_of[user_id]:
        self.users[key].count += 1
        self.changes[user_id, key] = (True, log.next_seq(self.message.room_id) - 1)
        return None
    return change(self, log, user_id, key, on=on)


@bug(reacted, "render_partial", "react", "fold", found_as="stale")
def a_partial_event_names_the_wrong_base(message: Message, version: int, **fields: object) -> dict[str, object]:
    return render_partial(message, version, **fields) | {"base_version": message.seq}


@bug(send, "_insert", "reply", "look", found_as="page, unread")
def replies_count_in_the_main_line(new: Sequence[Message]) -> None:
    for message in new:
        message.in_main_line = True
    insert(new)


insert = send._insert
append_message = messages.append_message


@bug(messages, "append_message", "stream", "append", found_as="append")
def an_append_leaves_a_hole(*, offset: int, **call: Any) -> str:
    try:
        return append_message(offset=offset, **call)
    except Problem as problem:
        if problem.code != "stream.offset":
            raise
        return append_message(offset=problem.offset or 0, **call)


@bug(messages, "empty", "react", "delete", found_as="page, reaction")
def a_tombstone_keeps_its_text(data: str, at: Any) -> dict[str, Any]:
    return empty(data, at) | {"text": "still here"}


# People


@bug(history, "hide_message", "block", "look", found_as="page")
def history_makes_no_stub(json: bytes, blocked: object) -> bytes:
    return json


@bug(receipts, "_write", "ack", "look", "send", found_as="members")
def receipts_go_back(log: Any, markers: Mapping[receipts.Key, int]) -> None:
    for room_id, user_id in markers:
        Delivery.objects.filter(room_id=room_id, user_id=user_id).delete()
    write(log, markers)


write = receipts._write


@bug(reads, "mark_read", "read", found_as="marker")
def read_markers_go_back(**call: Any) -> Any:
    reads.mark_unread(**{name: call[name] for name in ("session", "room_id", "seq")})
    return mark_read(**call)


mark_read = reads.mark_read


BUGS["a_dead_process_keeps_its_people_online"] = Bug(
    leases, "DEAD_SECONDS", 1e6, frozenset({"presence"}), ("move_presence", "watch")
)
