"""Erasure of a deleted account: the user leaves all rooms, and name and picture are removed from messages and log.

Messages and events contain the user as rendered at their time, with the user's id. Seqs, versions and texts are kept.
When a room is rewritten, its members get `user.erased` and replace the user in everything that they have stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from accounts import administration, audit
from accounts.models import User
from accounts.serializers import UserSerializer
from api.models import Ban, Draft, Forward, Invite, Job, JobKind, Member, MembershipPeriod, Message
from api.models.choices import Kind, State
from api.serializers.authors import Author
from api.serializers.invites import Ending
from api.services import jobs
from api.services.members.ownership import hand_over
from api.services.members.transitions import end_invite, end_membership
from api.services.messages.tombstones import make_tombstone, write_tombstones
from eventlog.models import Event, StreamHead
from eventlog.transaction import EventTransaction, record_events
from wire import strict_json
from wire.row_tables import rows_as_table

BATCH = 100  # events of one transaction; with their messages at most 200 rows
WINDOW = 2_000  # events that one query searches

_BEFORE_ALL = UUID(int=0)


def begin_erasure(user: User) -> None:
    """Queue the erasure, in the transaction that deletes the account and before its row is locked.

    A transaction that adds the user to a room holds the lock of the user's inbox: either the job finds the membership,
    or that transaction finds the account deleted.
    """
    with record_events(inboxes=[user.id]):
        jobs.add_job(JobKind.ERASE, user)
        Draft.objects.filter(user=user).delete()


def erase_user(*, user: User, actor: str, reason: str = "") -> bool:
    """Delete an account and, unlike `DELETE me`, the content of its messages; the jobs do it in the background.

    For an account that is deleted already only the messages are left. Returns whether a job was queued for them:
    not for an account without messages.
    """
    with record_events(inboxes=[user.id]):
        was_deleted_now = administration.erase(user=user, actor=actor, reason=reason)
        own = Message.objects.filter(sender=user, room__in=_rooms_of(user.id), deleted_at=None)
        if not own.exists() and not Forward.objects.filter(author=user).exists():
            return False
        jobs.add_job(JobKind.ERASE_MESSAGES, user)
        if not was_deleted_now:
            audit.record("user.messages_erased", actor=actor, target=("user", user.pk), reason=reason)
    return True


def erase_messages_step(job: Job) -> bool:
    """Turn a batch of the user's messages in one room into tombstones, with one `message.deleted` for each.

    Forwards of them follow, in all rooms: when none of the messages is left, no new forward can come.
    """
    assert job.user is not None
    user = job.user
    last = UUID(job.position["room"]) if "room" in job.position else _BEFORE_ALL
    room_id = _rooms_of(user.pk).filter(room_id__gt=last).order_by("room_id").first()
    if room_id is None:
        return _erase_forwards(job, user)
    with record_events(rooms=[room_id]) as log:
        # A send that began before the account was deleted is committed by now, or finds the account deleted.
        own = Message.objects.filter(room=room_id, sender=user, deleted_at=None)
        erased = _erase_messages(log, room_id, user, own, Author.of(user))
        jobs.save_position(job, **({"room": str(room_id)} if erased < BATCH else {}))
    return False


def _erase_forwards(job: Job, user: User) -> bool:
    """Turn a batch of the forwards of the user's words into tombstones. Returns True when none is left."""
    room_id = Forward.objects.filter(author=user).order_by("room").values_list("room_id", flat=True).first()
    if room_id is None:
        return True
    with record_events(rooms=[room_id]) as log:
        forwards = Message.objects.filter(forward__author=user, forward__room=room_id)
        _erase_messages(log, room_id, user, forwards, None)
        jobs.save_position(job)
    return False


def _erase_messages(
    log: EventTransaction, room_id: UUID, user: User, messages: QuerySet[Message], sender: Author | None
) -> int:
    """Turn a batch of messages of a locked room into tombstones, with this sender if one is given."""
    tombstones = []
    for message_id, data in messages.order_by("seq").values_list("pk", "data")[:BATCH]:
        version = log.next_seq(room_id)
        tombstone = make_tombstone(message_id, data, version=version, at=log.at, sender=sender)
        log.append(room_id, "message.deleted", user.pk, tombstone.data, message_id)
        tombstones.append(tombstone)
    write_tombstones(log, room_id, tombstones)
    return len(tombstones)


def _rooms_of(user_id: UUID) -> QuerySet[Member, UUID]:
    """The rooms of which the user is or was a member: no other room has messages of the user."""
    return Member.objects.filter(user=user_id).values_list("room_id", flat=True)


def step(job: Job) -> bool:
    """Run one transaction, under the head lock of one room or inbox. Returns True when the erasure is complete."""
    assert job.user is not None
    user = job.user
    return not (
        _leave_next_room(job, user)
        or _end_next_invite(job, user)
        or _rewrite_next_room(job, user)
        or _rewrite_next_inbox(job, user)
        or _rewrite_next_forwards(job, user)
    )


def _leave_next_room(job: Job, user: User) -> bool:
    """Leave one room; it gets another owner if it loses its last, and is archived if it loses its last member.

    If one batch can rewrite the room, this happens in the same transaction: most rooms take one step. A direct room is
    not left.
    """
    joined = Member.objects.filter(user=user.pk, state=State.JOINED).exclude(room__kind=Kind.DIRECT)
    room_id = joined.order_by("room_id").values_list("room_id", flat=True).first()
    if room_id is None:
        return False
    with record_events(rooms=[room_id], inboxes=[user.pk]) as log:
        member = joined.select_related("room", "user").filter(room=room_id).first()
        if member is not None:  # else another member has just removed the user
            hand_over(log, member, user.pk)
            end_membership(log, member, State.LEFT, user.pk)
            seqs, searched_to = _find_events(room_id, user.pk, _before_first_event(room_id, user.pk))
            if searched_to >= log.head(room_id):
                _show_tombstone(log, room_id, seqs, user)
                _append_erased(log, room_id, user)
        jobs.save_position(job)
    return True


def _end_next_invite(job: Job, user: User) -> bool:
    """End one open invitation of the user."""
    invites = Invite.objects.open().filter(user=user.pk)
    room_id = invites.order_by("pk").values_list("room_id", flat=True).first()
    if room_id is None:
        return False
    with record_events(rooms=[room_id], inboxes=[user.pk]) as log:
        if invite := invites.filter(room=room_id).select_related("user").first():
            end_invite(log, invite, Ending.DECLINED, user.pk)
        jobs.save_position(job)
    return True


def _rewrite_next_room(job: Job, user: User) -> bool:
    """Rewrite a batch of a room in which the user is or was a member, invited or banned: no other contains them."""
    last = UUID(job.position["room"]) if "room" in job.position else _BEFORE_ALL
    # Rooms that were rewritten when the user left: user.erased follows member.left, or the room.archived after it.
    follows = Q(seq__gt=OuterRef("left_seq"), seq__lte=OuterRef("left_seq") + 2)
    erased = Event.objects.filter(follows, stream=OuterRef("room_id"), type="user.erased", actor_id=user.pk)
    rooms = Member.objects.filter(~Exists(erased), user=user.pk, room_id__gt=last)
    is_member = Exists(Member.objects.filter(room=OuterRef("room"), user=user.pk))
    others = [kind.objects.filter(~is_member, user=user.pk, room_id__gt=last) for kind in (Invite, Ban)]
    found = [each.order_by("room_id").values_list("room_id", flat=True).first() for each in (rooms, *others)]
    room_id = min((each for each in found if each is not None), default=None)
    if room_id is None:
        return False
    after = max(job.position.get("seq", 0), _before_first_event(room_id, user.pk))
    _rewrite(job, user, room_id, "room", after=after)
    return True


def _before_first_event(room_id: UUID, user_id: UUID) -> int:
    """Return the last seq before the user's first membership, invitation or ban: no event up to it contains them."""
    firsts = [
        rows.filter(room=room_id, user=user_id).aggregate(seq=Min(name))["seq"]
        for rows, name in (
            (MembershipPeriod.objects.all(), "joined_seq"),
            (Invite.objects.all(), "created_seq"),
            (Ban.objects.all(), "created_seq"),
        )
    ]
    return min((seq for seq in firsts if seq is not None), default=1) - 1


def _rewrite_next_inbox(job: Job, user: User) -> bool:
    """Rewrite a batch of an inbox: the user's own, that of a peer in a direct room, or of a user whom they invited."""
    last = UUID(job.position["inbox"]) if "inbox" in job.position else _BEFORE_ALL
    direct = Member.objects.filter(room__kind=Kind.DIRECT, room__members__user=user.pk)
    peers = direct.exclude(user=user.pk).filter(user_id__gt=last).order_by("user_id")
    peer_id = peers.values_list("user_id", flat=True).first()
    invited = Invite.objects.filter(invited_by=user.pk, user_id__gt=last).order_by("user_id")
    invited_id = invited.values_list("user_id", flat=True).first()
    rest = [user_id for user_id in (peer_id, invited_id, user.pk) if user_id is not None and user_id > last]
    if not rest:
        return False
    _rewrite(job, user, min(rest), "inbox", after=job.position.get("seq", 0))
    return True


def _rewrite_next_forwards(job: Job, user: User) -> bool:
    """Rewrite a batch of the messages that forward words of the user: they may be in any room."""
    place = job.position.get("forward", [str(_BEFORE_ALL)] * 2)
    room, message = map(UUID, place)
    forwards = Forward.objects.filter(author=user).order_by("room", "message")
    rest = forwards.filter(Q(room__gt=room) | Q(room=room, message__gt=message))
    room_id = rest.values_list("room_id", flat=True).first()
    if room_id is None:
        return False
    with record_events(rooms=[room_id]) as log:
        ids = list(rest.filter(room=room_id).values_list("message_id", flat=True)[:BATCH])
        events = Event.objects.filter(stream=room_id, message_id__in=ids)
        # The rooms of the user have been rewritten already, most of their forwards with them.
        if _show_tombstone(log, room_id, list(events.values_list("seq", flat=True)), user):
            _append_erased(log, room_id, user)
        jobs.save_position(job, **({"forward": [str(room_id), str(ids[-1])]} if ids else {}))
    return True


def _rewrite(job: Job, user: User, stream: UUID, kind: str, *, after: int) -> None:
    """Rewrite the next batch of a room or inbox. The last batch of a room appends `user.erased`."""
    seqs, searched_to = _find_events(stream, user.pk, after)
    head = StreamHead.objects.filter(pk=stream).values_list("last_seq", flat=True).first() or 0
    if not seqs and searched_to < head:
        with transaction.atomic():
            jobs.save_position(job, seq=searched_to)
        return
    rooms, inboxes = ([stream], []) if kind == "room" else ([], [stream])
    with record_events(rooms=rooms, inboxes=inboxes) as log:
        # Search again: a send that began before the account was deleted may have been committed meanwhile.
        seqs, searched_to = _find_events(stream, user.pk, after)
        _show_tombstone(log, stream, seqs, user)
        if searched_to < log.head(stream):
            jobs.save_position(job, seq=searched_to)
            return
        if kind == "room":
            _append_erased(log, stream, user)
        jobs.save_position(job, seq=0, **{kind: str(stream)})


def _append_erased(log: EventTransaction, room_id: UUID, user: User) -> None:
    log.append(room_id, "user.erased", user.id, {"user": Author.of(user)._asdict()})


def _find_events(stream: UUID, user_id: UUID, after: int) -> tuple[list[int], int]:
    """Find the seqs of the next events that contain the user; also return the last seq that was searched."""
    window = Event.objects.filter(stream=stream, seq__gt=after, seq__lte=after + WINDOW)
    matching = window.filter(data__contains=str(user_id)).order_by("seq").values_list("seq", flat=True)
    seqs = list(matching[:BATCH])
    return seqs, seqs[-1] if len(seqs) == BATCH else after + WINDOW


_MESSAGE = Message._meta.db_table
_UPDATE_MESSAGES = f"""UPDATE {_MESSAGE} SET data = rewritten.data FROM {{rewritten}}
                       WHERE {_MESSAGE}.room_id = rewritten.stream AND {_MESSAGE}.seq = rewritten.seq"""


def _show_tombstone(log: EventTransaction, stream: UUID, seqs: Sequence[int], user: User) -> bool:
    """Replace the user in the events of these seqs, and in the messages of the same seqs.

    Returns whether any of them had the user.
    """
    shown = {**UserSerializer().to_representation(user), "email": None, "email_verified": False}
    rows = Event.objects.filter(stream=stream, seq__in=seqs).values_list("seq", "data")
    events = _replace_in_rows(rows, shown)
    log.rewrite(stream, events)
    messages = _replace_in_rows(Message.objects.filter(room_id=stream, seq__in=seqs).values_list("seq", "data"), shown)
    if messages:
        table, parameters = rows_as_table(
            "rewritten",
            stream=("uuid", [stream] * len(messages)),
            seq=("bigint", list(messages)),
            data=("text", list(messages.values())),
        )
        with connection.cursor() as cursor:
            cursor.execute(_UPDATE_MESSAGES.format(rewritten=table), parameters)
    return bool(events or messages)


def _replace_in_rows(rows: Iterable[tuple[int, str]], shown: Mapping[str, Any]) -> dict[int, str]:
    """Return the data of the rows that contain the user, by seq, with the user replaced."""
    replaced = {}
    for seq, data in rows:
        value = orjson.loads(data)
        _replace_user(value, shown)
        new = strict_json.dumps(value).decode()
        if new != data:
            replaced[seq] = new
    return replaced


def _replace_user(value: object, shown: Mapping[str, Any]) -> None:
    """Replace the fields of the user in place, wherever the user is rendered as author, member or peer.

    Metadata is content, as a text is, and is kept, except that of the user.
    """
    if isinstance(value, list):
        for each in value:
            _replace_user(each, shown)
    elif isinstance(value, dict):
        if value.get("id") == shown["id"] and "username" in value:
            value.update({name: shown[name] for name in shown.keys() & value.keys()})
            return
        for name, each in value.items():
            if name != "metadata":
                _replace_user(each, shown)
