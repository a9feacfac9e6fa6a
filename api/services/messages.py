"""Sending, editing and deleting: each one transaction that changes the message and tells of it in the room's log."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.db.models import OuterRef, Subquery
from uuid_utils.compat import uuid7

from accounts.models import Session, User
from accounts.services import check_live
from api.events import Log, recording
from api.models import Event, Interval, Member, Message
from api.models.members import FOR_EVER, Span
from api.models.rooms import History
from api.serializers.messages import render_author, render_message
from api.services.access import find_member, find_members, find_writer, seen_from_outside
from wire import strict_json
from wire.fields import format_time
from wire.problems import Problem, define, invalid

define("message.client_id_reused", 409, "This client_id was used for another message")
define("message.version_conflict", 409, "The message has changed since that version")
define("message.deleted", 409, "The message is deleted")
define("message.not_author", 403, "The message is somebody else's")


@dataclass(frozen=True, slots=True)
class Send:
    """What a session wants to say in a room. `client_id` makes it safe to say it again."""

    session: Session
    room_id: UUID
    client_id: str
    text: str
    metadata: Mapping[str, Any]
    reply_to: UUID | None

    @property
    def key(self) -> tuple[UUID, str]:
        """What a retry is recognised by, within the room."""
        return self.session.user_id, self.client_id

    def digest(self) -> str:
        """The content, so that a retry can be told from another message; nothing can be read back from it."""
        content = [self.text, self.metadata, self.reply_to]
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True)
class Sent:
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

    Raises Problem message.client_id_reused, room.archived, room.not_member, not_found, request.invalid (reply_to).
    """
    [result] = send_messages([Send(session, room_id, client_id, text, metadata or {}, reply_to)])
    if isinstance(result, Problem):
        raise result
    return result.json, result.created


def send_messages(sends: Sequence[Send]) -> list[Sent | Problem]:
    """Sends of any number of people to one room, in one transaction: what became of each, in order.

    A bad one fails alone. The number of queries does not depend on how many there are.
    """
    room_id = sends[0].room_id
    with recording(rooms=[room_id]) as log:
        # The order matters (design section 2): a retry is answered also to somebody who has left since.
        sent = _find_sent(room_id, sends)
        authors = _judge(room_id, [send for send in sends if send.key not in sent])
        fresh: list[Message] = []
        results = [_send(log, send, sent, authors, fresh) for send in sends]
        if fresh:
            Message.objects.bulk_create(fresh)
            _move_markers(room_id, fresh)
    return results


def _find_sent(room_id: UUID, sends: Sequence[Send]) -> dict[tuple[UUID, str], Message]:
    """The messages that earlier sends of these client_ids made."""
    senders, client_ids = {send.session.user_id for send in sends}, {send.client_id for send in sends}
    earlier = Message.objects.filter(room_id=room_id, sender_id__in=senders, client_id__in=client_ids)
    return {(message.sender_id, message.client_id): message for message in earlier}


def _judge(room_id: UUID, sends: Sequence[Send]) -> dict[int, User | Problem]:
    """For each send (by its id()) the author as they are now, or why it is refused."""
    if not sends:
        return {}
    members = find_members((send.session.user_id for send in sends), room_id)
    refusal = None if all(send.session.user_id in members for send in sends) else seen_from_outside(room_id)
    sessions = check_live({send.session.pk for send in sends if send.session.user_id in members})
    targets = _visible_targets(room_id, sends, members.values())
    return {id(send): _judged(send, members, refusal, sessions, targets) for send in sends}


def _judged(
    send: Send,
    members: Mapping[UUID, Member],
    refusal: Problem | None,
    sessions: Mapping[UUID, Session | Problem],
    targets: set[tuple[UUID, UUID]],
) -> User | Problem:
    member = members.get(send.session.user_id)
    if member is None:
        return refusal or Problem("not_found")
    session = sessions[send.session.pk]
    if isinstance(session, Problem):
        return session
    if member.room.is_archived:
        return Problem("room.archived")
    if send.reply_to is not None and (send.session.user_id, send.reply_to) not in targets:
        return invalid("reply_to", "not_found", "There is no such message in this room.")
    return session.user


def _visible_targets(room_id: UUID, sends: Sequence[Send], members: Iterable[Member]) -> set[tuple[UUID, UUID]]:
    """Who may reply to what: pairs of a user's and a message's id, by the history rule."""
    wanted = {send.reply_to for send in sends if send.reply_to is not None}
    if not wanted:
        return set()
    seqs = dict(Message.objects.filter(room_id=room_id, pk__in=wanted).values_list("pk", "seq"))
    return {
        (member.user_id, message_id)
        for member, spans in _spans(room_id, list(members))
        for message_id, seq in seqs.items()
        if any(first <= seq <= last for first, last in spans)
    }


def _spans(room_id: UUID, members: Sequence[Member]) -> Iterator[tuple[Member, list[Span]]]:
    """What each of these members of the room sees of it."""
    if members and members[0].room.history == History.SHARED:
        yield from ((member, [(1, FOR_EVER)]) for member in members)
        return
    spans = Interval.objects.filter(room_id=room_id, user_id__in=[member.user_id for member in members]).spans()
    yield from ((member, spans[room_id, member.user_id]) for member in members)


def _send(
    log: Log,
    send: Send,
    sent: dict[tuple[UUID, str], Message],
    authors: Mapping[int, User | Problem],
    fresh: list[Message],
) -> Sent | Problem:
    earlier = sent.get(send.key)
    if earlier is not None:
        if earlier.digest != send.digest():
            return Problem("message.client_id_reused")
        return Sent(earlier.pk, earlier.seq, earlier.data, created=False)
    author = authors[id(send)]
    if isinstance(author, Problem):
        return author
    message = _append(log, send, author)
    sent[send.key] = message
    fresh.append(message)
    return Sent(message.pk, message.seq, message.data, created=True)


def _append(log: Log, send: Send, author: User) -> Message:
    """Give the message its place. Its JSON is rendered here, once: the log, history and every socket carry it."""
    message_id, seq = uuid7(), log.next_seq(send.room_id)
    shape = render_message(
        id=message_id,
        room_id=send.room_id,
        seq=seq,
        sender=author,
        client_id=send.client_id,
        text=send.text,
        metadata=send.metadata,
        reply_to=send.reply_to,
        at=log.at,
    )
    event = log.append(send.room_id, "message.created", author.pk, shape, message_id)
    return Message(
        id=message_id,
        room_id=send.room_id,
        seq=seq,
        version=seq,
        sender=author,
        client_id=send.client_id,
        digest=send.digest(),
        created_at=log.at,
        data=event.data,
    )


def _move_markers(room_id: UUID, fresh: Sequence[Message]) -> None:
    """Who speaks has read. The newest seq is above any marker, so nothing moves back."""
    senders = {message.sender_id for message in fresh}
    own = Message.objects.filter(room_id=room_id, sender_id=OuterRef("user_id"), seq__gte=fresh[0].seq)
    newest = own.order_by("-seq").values("seq")[:1]
    # Of one sender the newest is known: a lone send, which is most of them, need not look.
    read_seq = Subquery(newest) if len(senders) > 1 else fresh[-1].seq
    Member.objects.filter(room_id=room_id, user_id__in=senders).update(read_seq=read_seq)


def get_message(*, user_id: UUID, room_id: UUID, message_id: UUID) -> str:
    """One message as JSON. Raises Problem not_found for one that is not there or not theirs to see."""
    return _find(find_member(user_id, room_id), message_id).data


def edit_message(
    *,
    session: Session,
    room_id: UUID,
    message_id: UUID,
    text: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    if_version: int | None = None,
) -> str:
    """Change what is given; the Message as JSON. Raises Problem message.not_author, .deleted or .version_conflict.

    An edit that is already so changes nothing and is no conflict: a retry finds its own work (RFC 9110, 13.1.1).
    """
    with recording(rooms=[room_id], session=session) as log:
        message = _find(find_writer(session.user_id, room_id), message_id)
        if message.sender_id != session.user_id:
            raise Problem("message.not_author", "Only its author edits a message.")
        if message.deleted_at is not None:
            raise Problem("message.deleted")
        shape = orjson.loads(message.data)
        changes = dict(_changes(shape, text=text, metadata=metadata))
        if not changes:
            return message.data
        if if_version is not None and if_version != message.version:
            raise Problem("message.version_conflict", f"Its version is {message.version} now.")
        edited = shape | changes | {"edited_at": format_time(log.at)}
        return _record(log, message, "message.edited", session.user_id, edited)


def _changes(shape: Mapping[str, Any], **given: object) -> Iterator[tuple[str, object]]:
    for name, value in given.items():
        # As JSON, because in Python 1, 1.0 and True are equal.
        if value is not None and _canonical(value) != _canonical(shape[name]):
            yield name, value


def _canonical(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def delete_message(*, session: Session, room_id: UUID, message_id: UUID) -> None:
    """Leave a tombstone, wherever the message stands. Raises Problem message.not_author.

    Deleting what is deleted does nothing, so that it may be tried again.
    """
    with recording(rooms=[room_id], session=session) as log:
        member = find_writer(session.user_id, room_id)
        message = _find(member, message_id)
        if message.sender_id != session.user_id and "delete_any" not in member.can():
            raise Problem("message.not_author", "Only its author or an admin deletes a message.")
        if message.deleted_at is not None:
            return
        message.deleted_at = log.at
        tombstone = orjson.loads(message.data) | {
            "text": None,
            "metadata": {},
            "reply_to": None,
            "deleted_at": format_time(log.at),
        }
        data = _record(log, message, "message.deleted", session.user_id, tombstone)
        # What was said is nowhere any more: earlier events become the tombstone too; their seqs stay.
        Event.objects.filter(stream=room_id, message_id=message_id).update(data=data)


def _find(member: Member, message_id: UUID) -> Message:
    message = Message.objects.visible_to(member).select_related("sender").filter(pk=message_id).first()
    if message is None:
        raise Problem("not_found", "There is no such message.")
    return message


def _record(log: Log, message: Message, event_type: str, actor_id: UUID, shape: dict[str, Any]) -> str:
    """Write a message's new state and the event that carries it; the JSON of both."""
    message.version = log.next_seq(message.room_id)
    shape |= {"version": message.version, "sender": render_author(message.sender)}
    message.data = strict_json.dumps(shape).decode()
    message.save(update_fields=["version", "data", "deleted_at"])
    log.append(message.room_id, event_type, actor_id, message.data, message.pk)
    return message.data
