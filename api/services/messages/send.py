"""Sending: what any number of people say at one moment, in any rooms, written by one transaction."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from unicodedata import normalize
from uuid import UUID

import orjson
from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.ended import held
from accounts.models import Session
from api.events import Log, record_events
from api.models import MembershipPeriod, Message
from api.models.choices import History
from api.models.members import SeqRange
from api.serializers.messages import Author, render_message
from api.services.members.access import not_accessible
from api.services.members.limits import make_own
from wire.problems import Problem, define, invalid
from wire.row_tables import as_uuid, insert, rows_as_table

define("message.client_id_reused", 409, "This client_id was used for another message")

Key = tuple[UUID, UUID, str]


@dataclass(frozen=True, slots=True)
class Send:
    """A message that a session wants to send. The `client_id` makes a retry safe."""

    session: Session
    room_id: UUID
    client_id: str
    text: str
    metadata: Mapping[str, Any]
    reply_to: UUID | None

    @property
    def key(self) -> Key:
        """The key by which a retry is recognised."""
        return self.room_id, self.session.user_id, self.client_id

    def digest(self) -> str:
        """The content, so that a retry can be told from another message; nothing can be read back from it."""
        return self._digest(normalize("NFC", self.text))

    def is_retry_of(self, digest: str) -> bool:
        """Return whether the message with this digest has the same content. Texts compare in NFC; digests from before
        that rule are of the text as it was sent."""
        return digest == self.digest() or digest == self._digest(self.text)

    def _digest(self, text: str) -> str:
        content = [text, self.metadata, self.reply_to]
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True)
class SendResult:
    """A message that stands in the log, and whether this very send put it there. `json` is the Message as it is now."""

    id: UUID
    seq: int
    json: str
    created: bool


def send_message(
    *,
    session: Session,
    room_id: UUID,
    client_id: str,
    text: str,
    metadata: Mapping[str, Any] | None = None,
    reply_to: UUID | None = None,
) -> tuple[str, bool]:
    """Say something, once however often it is tried: the Message as JSON, and whether it is new.

    Raises Problem message.client_id_reused, room.archived, room.peer_deleted, room.not_member, not_found or
    request.invalid (reply_to).
    """
    [result] = send_messages([Send(session, room_id, client_id, text, metadata or {}, reply_to)])
    if isinstance(result, Problem):
        raise result
    return result.json, result.created


def send_messages(sends: Sequence[Send], *, nowait: bool = False) -> list[SendResult | Problem]:
    """Sends of any number of people to any rooms, in one transaction: what became of each, in order.

    A bad one fails alone. The number of queries does not depend on how many there are. `nowait` as in record_events.
    """
    with record_events(rooms={send.room_id for send in sends}, nowait=nowait) as log:
        standings = _look_up(sends)
        spans = _spans(sends, standings)
        fresh: dict[Key, Message] = {}
        results = [_send(log, *each, spans, fresh) for each in zip(sends, standings, strict=True)]
        if fresh:
            _insert(list(fresh.values()))
            _move_markers(fresh.values())
            judged = zip(sends, standings, strict=True)
            placed = {send.key[:2] for send, standing in judged if standing.put_by_other and send.key in fresh}
            if placed:
                make_own(placed)
    return results


class SendContext(NamedTuple):
    """The state of the log, the room and the account for a send, read under the lock of the room's head."""

    earlier: Message | None  # what an earlier send of this client_id made
    kind: str | None  # of the room; None: there is none
    history: str
    is_archived: bool
    put_by_other: bool | None  # as Member has it; None: not a member
    is_peer_deleted: bool  # in a direct room
    target_seq: int | None  # of the message replied to, if it is of this room
    is_active: bool | None  # the account; None: the session has ended
    author: Author


# The rules are those of find_writer and require_live: in one statement, because this is the hottest path. What is a
# subquery here could be a join; PostgreSQL would take longer to plan it than to run it.
_STANDINGS = """
SELECT earlier.id, earlier.seq, earlier.data, earlier.digest, room.kind, room.history, room.archived_at IS NOT NULL,
       (SELECT member.put_by_other FROM api_member member WHERE member.room_id = send.room_id
        AND member.user_id = send.user_id AND member.state = 'joined'),
       CASE WHEN room.kind = 'direct' THEN EXISTS (
           SELECT 1 FROM api_member peer JOIN accounts_user gone ON gone.id = peer.user_id
           WHERE peer.room_id = send.room_id AND peer.user_id <> send.user_id AND gone.deleted_at IS NOT NULL)
       ELSE FALSE END,
       (SELECT target.seq FROM api_message target WHERE target.id = send.reply_to AND target.room_id = send.room_id),
       author.is_active, send.user_id, author.username, author.display_name, author.avatar_url
FROM {sends}
LEFT JOIN api_message earlier ON earlier.room_id = send.room_id
     AND earlier.sender_id = send.user_id AND earlier.client_id = send.client_id
LEFT JOIN api_room room ON room.id = send.room_id
LEFT JOIN accounts_session session ON session.id = send.session_id AND session.expires_at > %s
LEFT JOIN accounts_user author ON author.id = session.user_id
ORDER BY send.place"""


def _look_up(sends: Sequence[Send]) -> list[SendContext]:
    asked, parameters = rows_as_table(
        "send",
        place=("int", range(len(sends))),
        room_id=("uuid", [send.room_id for send in sends]),
        user_id=("uuid", [send.session.user_id for send in sends]),
        session_id=("uuid", [send.session.pk for send in sends]),
        client_id=("text", [send.client_id for send in sends]),
        reply_to=("uuid", [send.reply_to for send in sends]),
    )
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(_STANDINGS.format(sends=asked), [*parameters, now])
        return [_standing(row) for row in cursor.fetchall()]


def _standing(row: tuple[Any, ...]) -> SendContext:
    pk, seq, data, digest = row[:4]
    earlier = None if pk is None else Message(id=as_uuid(pk), seq=seq, data=data, digest=digest)
    user_id, *names = row[-4:]
    return SendContext._make((earlier, *row[4:-4], Author(as_uuid(user_id), *names)))


def _spans(sends: Sequence[Send], standings: Sequence[SendContext]) -> dict[tuple[UUID, UUID], list[SeqRange]]:
    """The stays of those who reply in a room in which not everybody sees everything; mostly there is nobody."""
    replies = [
        send.key[:2]
        for send, standing in zip(sends, standings, strict=True)
        if standing.target_seq is not None and standing.history == History.SINCE_JOINED
    ]
    if not replies:
        return {}
    rooms, users = {room for room, _ in replies}, {user for _, user in replies}
    return MembershipPeriod.objects.filter(room_id__in=rooms, user_id__in=users).ranges()


def _send(
    log: Log,
    send: Send,
    standing: SendContext,
    spans: Mapping[tuple[UUID, UUID], Sequence[SeqRange]],
    fresh: dict[Key, Message],
) -> SendResult | Problem:
    earlier = standing.earlier or fresh.get(send.key)
    # The order matters (design section 2): a retry is answered also to somebody who has left since.
    if earlier is not None:
        return _again(send, earlier)
    refusal = _refusal(send, standing, spans)
    if refusal is not None:
        return refusal
    message = fresh[send.key] = _append(log, send, standing.author)
    return SendResult(message.pk, message.seq, message.data, created=True)


def _again(send: Send, earlier: Message) -> SendResult | Problem:
    if not send.is_retry_of(earlier.digest):
        return Problem("message.client_id_reused")
    return SendResult(earlier.pk, earlier.seq, earlier.data, created=False)


def _refusal(
    send: Send, standing: SendContext, spans: Mapping[tuple[UUID, UUID], Sequence[SeqRange]]
) -> Problem | None:
    if standing.put_by_other is None:
        return not_accessible(standing.kind)
    if send.session.pk in held():
        return Problem("auth.invalid_token")
    if not standing.is_active:
        return Problem("auth.invalid_token" if standing.is_active is None else "auth.account_disabled")
    if standing.is_archived:
        return Problem("room.archived")
    if standing.is_peer_deleted:
        return Problem("room.peer_deleted")
    if send.reply_to is not None and not _sees_target(standing, spans.get(send.key[:2], ())):
        return invalid("reply_to", "not_found", "There is no such message in this room.")
    return None


def _sees_target(standing: SendContext, spans: Sequence[SeqRange]) -> bool:
    if standing.target_seq is None or standing.history == History.SHARED:
        return standing.target_seq is not None
    return any(first <= standing.target_seq <= last for first, last in spans)


def _append(log: Log, send: Send, author: Author) -> Message:
    """Give the message its place. Its JSON is rendered here, once: the log, history and every socket carry it."""
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
    event = log.append(send.room_id, "message.created", author.id, shape, message_id)
    log.heads[send.room_id].last_message_at = at
    return Message(
        id=message_id,
        room_id=send.room_id,
        seq=seq,
        version=seq,
        sender_id=author.id,
        client_id=send.client_id,
        digest=send.digest(),
        created_at=at,
        data=event.data,
    )


def _insert(fresh: Sequence[Message]) -> None:
    insert(
        "api_message",
        id=("uuid", [message.id for message in fresh]),
        room_id=("uuid", [message.room_id for message in fresh]),
        seq=("bigint", [message.seq for message in fresh]),
        version=("bigint", [message.version for message in fresh]),
        sender_id=("uuid", [message.sender_id for message in fresh]),
        client_id=("text", [message.client_id for message in fresh]),
        digest=("text", [message.digest for message in fresh]),
        created_at=("timestamptz", [message.created_at for message in fresh]),
        data=("text", [message.data for message in fresh]),
    )


_MOVE_MARKERS = """UPDATE api_member SET read_seq = moved.seq FROM {moved}
                   WHERE api_member.room_id = moved.room_id AND api_member.user_id = moved.user_id"""


def _move_markers(fresh: Iterable[Message]) -> None:
    """Sending a message marks the room as read. The new seq is always larger than the marker."""
    newest = {(message.room_id, message.sender_id): message.seq for message in fresh}
    moved, parameters = rows_as_table(
        "moved",
        room_id=("uuid", [room for room, _ in newest]),
        user_id=("uuid", [user for _, user in newest]),
        seq=("bigint", list(newest.values())),
    )
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_MARKERS.format(moved=moved), parameters)
