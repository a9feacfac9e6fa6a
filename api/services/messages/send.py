"""Sending messages: any number of sends, of any users to any rooms, in one transaction."""

import hashlib
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unicodedata import normalize
from uuid import UUID

import orjson
from django.db import connection
from uuid_utils.compat import uuid7

from accounts.models import Session
from api.models import Member, Message, StreamedMessage
from api.models.choices import Posting
from api.models.visibility import visible_ranges
from api.seq_ranges import SeqRange, contains
from api.serializers.authors import Author
from api.serializers.message_shape import complete, render_message
from api.serializers.messages import ForwardedFrom
from api.services.members.access import not_accessible
from api.services.members.limits import make_own
from api.services.messages.extras import Extra
from api.services.messages.forwards import Snapshot, Wanted, find_originals, insert_forwards
from api.services.messages.judgement import (
    MEMBER,
    MESSAGE,
    MUTED,
    PLAIN_MEMBER,
    PUT_BY_OTHER,
    Place,
    SendContext,
    check_open,
    check_session,
    find_invited,
    judge,
    judge_one,
)
from eventlog.record_one import APPEND_ONE, event_parameters, record_one
from eventlog.transaction import EventTransaction, record_events
from wire.limits import SEND_ROOM
from wire.problems import Problem, define, invalid
from wire.row_tables import Column, insert, rows_as_table

define("message.client_id_reused", 409, "This client_id was used for another message")
define("room.slow_mode", 429, "The room is in slow mode: wait before you send again", True)

STREAMED = StreamedMessage._meta.db_table

Key = tuple[UUID, UUID, str]  # a room, a sender and a client_id


@dataclass(frozen=True, slots=True)
class Send:
    """A message that a session wants to send. The `client_id` makes a retry safe."""

    session: Session
    room_id: UUID
    client_id: str
    text: str
    metadata: Mapping[str, Any]
    reply_to: UUID | None
    forward: ForwardedFrom | None = None
    thread_root: UUID | None = None
    in_room: bool = False  # a reply in a thread that the main line shows too
    mentions: Mapping[str, Any] | None = None  # {"users": [ids], "room": bool}, if it names anybody
    streaming: bool = False  # its text is appended to until it is finished

    @property
    def key(self) -> Key:
        """The key that a retry has in common with the first send."""
        return self.room_id, self.session.user_id, self.client_id

    @property
    def place(self) -> Place:
        """The room and the sender."""
        return self.room_id, self.session.user_id

    @property
    def rooms(self) -> tuple[UUID, ...]:
        """The rooms whose heads are locked for it: that of a forwarded message too, see `find_originals`."""
        return (self.room_id,) if self.forward is None else (self.room_id, self.forward.room_id)

    @property
    def is_plain(self) -> bool:
        """Return whether `send_one` can commit it: it writes one message alone and reads no other room."""
        return self.forward is None and not self.streaming and not self.has_extra and self.session.acting is None

    @property
    def has_extra(self) -> bool:
        """Return whether the message is a reply in a thread, or mentions somebody."""
        return self.thread_root is not None or self.mentions is not None

    def is_retry_of(self, digest: str) -> bool:
        """Return whether the message with this digest has the same content. Older digests are of the text as sent."""
        return digest == self.digest() or digest == self.digest(in_nfc=False)

    def digest(self, *, in_nfc: bool = True) -> str:
        """A hash of the content, which distinguishes a retry from another message with the same client_id."""
        content: list[Any] = [normalize("NFC", self.text) if in_nfc else self.text, self.metadata, self.reply_to]
        if self.forward is not None:
            content.append({"forward": self.forward})
        if self.has_extra:
            content.append({"thread_root": self.thread_root, "in_room": self.in_room, "mentions": self.mentions})
        if self.streaming:
            content.append("streaming")
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def commit(self, *, nowait: bool = False) -> "SendResult | Problem":
        """Commit it alone. See `send_one`."""
        return send_one(self, nowait=nowait)

    @staticmethod
    def write(log: EventTransaction, sends: "Sequence[Send]") -> "list[SendResult | Problem]":
        """Write sends to locked rooms. See `send_messages`."""
        contexts = judge([_values_of(send) for send in sends])
        extra = Extra(sends) if any(send.has_extra for send in sends) else None
        results, new_messages = _accept(log, sends, contexts, extra)
        if new_messages:
            _insert(new_messages)
            _move_read_markers(new_messages)
            if extra is not None:
                extra.record(log, new_messages)
            streamed = {send.key for send in sends if send.streaming}
            if streamed:
                keys = {message.pk: (message.room_id, message.sender_id, message.client_id) for message in new_messages}
                _insert_streamed(log, [message for message in new_messages if keys[message.pk] in streamed])
        return results


@dataclass(frozen=True, slots=True)
class SendResult:
    """A message in the log, and whether this send created it. `json` is the Message as it is now."""

    id: UUID
    seq: int
    json: str
    created: bool


def send_messages(sends: Sequence[Send], *, nowait: bool = False) -> list[SendResult | Problem]:
    """Commit sends of any users to any rooms in one transaction. Return the result of each, in order.

    A bad send fails alone. The number of queries does not depend on the number of sends. `nowait` as in record_events.
    """
    with record_events(rooms={room for send in sends for room in send.rooms}, nowait=nowait) as log:
        return Send.write(log, sends)


def send_one(send: Send, *, nowait: bool = False) -> SendResult | Problem:
    """Commit one plain send, on PostgreSQL, as send_messages does: by five prepared statements, without Django's
    cursors."""
    with record_one(send.room_id, nowait=nowait) as (log, execute):
        [result], new_messages = _accept(log, [send], judge_one(execute, _values_of(send)), None)
        for message in new_messages:
            execute(_WRITE_ONE, (*event_parameters(log), message.client_id, message.digest))
    return result


# What EventTransaction.flush, _insert and _move_read_markers write, for one message: the parameters of APPEND_ONE, and
# then its client_id and digest.
_WRITE_ONE = f"""
WITH {APPEND_ONE}, marked AS (UPDATE {MEMBER} SET read_seq = $2::bigint, last_sent_at = $3
                              WHERE room_id = $1::uuid AND user_id = $6::uuid)
INSERT INTO {MESSAGE} (id, room_id, seq, version, sender_id, client_id, digest, created_at, data)
VALUES ($7::uuid, $1::uuid, $2::bigint, $2::bigint, $6::uuid, $9, $10, $3, $8)"""


def _values_of(send: Send) -> tuple[object, ...]:
    return send.room_id, send.session.user_id, send.session.pk, send.client_id, send.reply_to


def _accept(
    log: EventTransaction, sends: Sequence[Send], contexts: Sequence[SendContext], extra: Extra | None
) -> tuple[list[SendResult | Problem], list[Message]]:
    """Append the messages of the sends that no rule refuses. Return the result of each send, and the new messages."""
    judged = list(zip(sends, contexts, strict=True))
    further = _read_further(judged, extra)
    new_messages: dict[Key, Message] = {}
    results = [_send(log, send, context, further, new_messages) for send, context in judged]
    entered = {send.place for send, context in judged if context.has(PUT_BY_OTHER) and send.key in new_messages}
    if entered:
        make_own(entered)
    if further.originals:
        insert_forwards(list(new_messages.values()))
    return results, list(new_messages.values())


@dataclass(slots=True)
class _Further:
    """State that few sends need: each kind is read by one statement if any send of the batch needs it."""

    visible: Mapping[Place, Sequence[SeqRange]]  # of the senders of replies
    originals: Mapping[Wanted, Snapshot | Problem]  # the messages to forward
    invited: Collection[Place]  # those of the senders outside who may know of the room
    last_sent: dict[Place, datetime | None]  # the last message of each sender whom slow mode concerns
    extra: Extra | None


def _read_further(judged: Sequence[tuple[Send, SendContext]], extra: Extra | None) -> _Further:
    replies = {
        send.place: context.history
        for send, context in judged
        if context.target_seq is not None or send.thread_root is not None
    }
    forwarded = {(send.session.user_id, send.forward) for send, _ in judged if send.forward is not None}
    outside = {
        send.place for send, context in judged if context.standing is None and context.kind and not context.earlier
    }
    slowed = {send.place for send, context in judged if context.slow_mode_seconds and context.has(PLAIN_MEMBER)}
    return _Further(
        visible=visible_ranges(replies) if replies else {},
        originals=find_originals(forwarded) if forwarded else {},
        invited=find_invited(outside) if outside else (),
        last_sent=Member.objects.last_sent(slowed) if slowed else {},
        extra=extra,
    )


def _send(
    log: EventTransaction,
    send: Send,
    context: SendContext,
    further: _Further,
    new_messages: dict[Key, Message],
) -> SendResult | Problem:
    earlier = context.earlier or new_messages.get(send.key)
    # A retry is answered before any rule is checked: its sender may have left since.
    if earlier is not None:
        if not send.is_retry_of(earlier.digest):
            return Problem("message.client_id_reused")
        return SendResult(earlier.pk, earlier.seq, complete(earlier.data), created=False)
    seen = further.visible.get(send.place, ())
    problem = check_send(send, context, seen, is_invited=send.place in further.invited)
    if problem is None and send.place in further.last_sent:
        problem = _check_slow_mode(log, send, context, further.last_sent[send.place])
    if problem is None and further.extra is not None:
        problem = further.extra.check(send, seen)
    if problem is not None:
        return problem
    snapshot = None if send.forward is None else further.originals[send.session.user_id, send.forward]
    if isinstance(snapshot, Problem):
        return snapshot
    try:
        SEND_ROOM.take(send.room_id)  # of members only: nobody else can use up the room's limit
    except Problem as refusal:
        return refusal
    message = new_messages[send.key] = _append(log, send, context.author, snapshot, further.extra)
    if send.place in further.last_sent:
        further.last_sent[send.place] = message.created_at
    return SendResult(message.pk, message.seq, message.data, created=True)


def check_send(
    send: Send, context: SendContext, visible: Sequence[SeqRange], *, is_invited: bool = False
) -> Problem | None:
    """Return why a new message is refused, or None. `visible` are the ranges that the sender of a reply may see."""
    if context.standing is None:
        return not_accessible(context.kind, is_invited=is_invited)
    if problem := check_session(send.session, context) or check_open(context):
        return problem
    if context.has(MUTED):
        return Problem("room.muted")
    if context.posting == Posting.ADMINS and context.has(PLAIN_MEMBER):
        return Problem("room.read_only")
    if send.reply_to is not None and (context.target_seq is None or not contains(visible, context.target_seq)):
        return invalid("reply_to", "not_found", "There is no such message in this room.")
    return None


def _check_slow_mode(log: EventTransaction, send: Send, context: SendContext, last: datetime | None) -> Problem | None:
    """Return the refusal of a member whose last message was sent within the time of the room's slow mode, or None."""
    if last is None:
        return None
    wait = last + timedelta(seconds=context.slow_mode_seconds) - log.time_of(send.room_id)
    wait_ms = math.ceil(wait.total_seconds() * 1000)
    return Problem("room.slow_mode", retry_after_ms=wait_ms) if wait_ms > 0 else None


def _append(
    log: EventTransaction, send: Send, author: Author, forwarded: Snapshot | None, extra: Extra | None
) -> Message:
    """Append the message to the log. Its JSON is rendered here, once, for the log, the history and every socket."""
    message_id, seq, at = uuid7(), log.next_seq(send.room_id), log.time_of(send.room_id)
    shape = render_message(
        id=message_id,
        room_id=send.room_id,
        seq=seq,
        sender=author,
        client_id=send.client_id,
        text=send.text,
        metadata=send.metadata,
        reply_to=send.reply_to,
        at=at,
    )
    if forwarded is not None:
        shape["forwarded"] = forwarded
    if extra is not None:
        shape |= extra.fields(send)
    shape["streaming"] = send.streaming
    event = log.append(send.room_id, "message.created", author.id, shape, message_id)
    in_main_line = send.thread_root is None or send.in_room
    if in_main_line:
        log.heads[send.room_id].last_message_at = at
    if send.session.acting is not None:
        send.session.acting.record(author.id)
    # The second seq is the version; nothing has deleted the message.
    return _new_message(
        message_id, send.room_id, seq, seq, author.id, send.client_id, send.digest(), at, None, send.thread_root,
        in_main_line, event.data,
    )  # fmt: skip


# Takes the fields in their order: with names Django takes twice the time, which is a tenth of that of a send.
_new_message: Callable[..., Message] = Message  # django-stubs expects another order


def _insert(messages: Collection[Message]) -> None:
    replies: dict[str, Column] = {}
    if any(message.thread_root is not None for message in messages):
        replies["thread_root"] = "uuid", [message.thread_root for message in messages]
        replies["in_main_line"] = "boolean", [message.in_main_line for message in messages]
    insert(
        MESSAGE,
        id=("uuid", [message.id for message in messages]),
        room_id=("uuid", [message.room_id for message in messages]),
        seq=("bigint", [message.seq for message in messages]),
        version=("bigint", [message.version for message in messages]),
        sender_id=("uuid", [message.sender_id for message in messages]),
        client_id=("text", [message.client_id for message in messages]),
        digest=("text", [message.digest for message in messages]),
        created_at=("timestamptz", [message.created_at for message in messages]),
        data=("text", [message.data for message in messages]),
        **replies,
    )


def _insert_streamed(log: EventTransaction, messages: Sequence[Message]) -> None:
    insert(
        STREAMED,
        message_id=("uuid", [message.id for message in messages]),
        room_id=("uuid", [message.room_id for message in messages]),
        appended_at=("timestamptz", [log.now] * len(messages)),
    )


_MOVE_READ_MARKERS = f"""UPDATE {MEMBER} SET
                        read_seq = CASE WHEN moved.seq > read_seq THEN moved.seq ELSE read_seq END,
                        last_sent_at = moved.at FROM {{moved}}
                        WHERE {MEMBER}.room_id = moved.room_id AND {MEMBER}.user_id = moved.user_id"""


def _move_read_markers(messages: Iterable[Message]) -> None:
    """Move each sender's read marker to their last message in the main line, which is above it, and note the time."""
    newest: dict[tuple[UUID, UUID], tuple[int, datetime]] = {}
    for message in messages:
        place = message.room_id, message.sender_id
        seq = message.seq if message.in_main_line else newest.get(place, (0,))[0]
        newest[place] = seq, message.created_at
    moved, parameters = rows_as_table(
        "moved",
        room_id=("uuid", [room for room, _ in newest]),
        user_id=("uuid", [user for _, user in newest]),
        seq=("bigint", [seq for seq, _ in newest.values()]),
        at=("timestamptz", [at for _, at in newest.values()]),
    )
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_READ_MARKERS.format(moved=moved), parameters)
