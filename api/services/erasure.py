"""Erasure of a deleted account: it leaves all rooms, then its name and picture leave messages and log.

What a user is shown by stands rendered in messages and events, by the user's id. Seqs, versions and texts stay. When a
room is clean, its members get `user.erased` and replace the author in everything that they hold.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.db.models import Exists, Min, OuterRef, Q

from accounts.models import User
from accounts.serializers import UserSerializer
from api.events import Log, lock_heads, record_events
from api.models import Event, Job, JobKind, Member, MembershipPeriod, Message, StreamHead
from api.models.choices import Kind, State
from api.serializers.messages import Author
from api.services import jobs
from api.services.members.ownership import hand_over
from api.services.members.transitions import end_membership
from wire import strict_json
from wire.row_tables import rows_as_table

BATCH = 100  # events of one transaction: with the messages that some of them made at most 200 rows
WINDOW = 2_000  # events that one query looks through

_BEFORE_ALL = UUID(int=0)


def begin_erasure(user: User) -> None:
    """Queue the erasure, in the transaction that deletes the account and before its row is locked.

    Whoever adds the user to a room holds the lock of their inbox: either the job finds that membership, or the other
    transaction finds the account deleted.
    """
    lock_heads([], [user.id])
    jobs.add_job(JobKind.ERASE, user)


def step(job: Job) -> bool:
    """One transaction of the erasure, under the head lock of one room or inbox; True when nothing is left to do."""
    return not (_leave_next_room(job) or _rewrite_next_room(job) or _rewrite_next_inbox(job))


def _leave_next_room(job: Job) -> bool:
    """A room that would lose its last owner gets another; one that loses its last member is archived.

    A room that one batch can rewrite is rewritten in the same transaction: most rooms take one step. A direct room
    keeps its two members.
    """
    joined = Member.objects.filter(user=job.user_id, state=State.JOINED).exclude(room__kind=Kind.DIRECT)
    room_id = joined.order_by("room_id").values_list("room_id", flat=True).first()
    if room_id is None:
        return False
    with record_events(rooms=[room_id], inboxes=[job.user_id]) as log:
        member = joined.select_related("room", "user").filter(room=room_id).first()
        if member is not None:  # else somebody has just removed them
            hand_over(log, member, job.user_id)
            end_membership(log, member, State.LEFT, job.user_id)
            seqs, looked_at = _find(room_id, job.user_id, _before_first_stay(room_id, job.user_id))
            if looked_at >= log.head(room_id):
                _show_tombstone(room_id, seqs, job.user)
                _append_erased(log, room_id, job.user)
        jobs.save_position(job)
    return True


def _rewrite_next_room(job: Job) -> bool:
    """Every room with messages of the user is one that they were in once."""
    last = UUID(job.position["room"]) if "room" in job.position else _BEFORE_ALL
    # Those that were rewritten when they were left: user.erased follows member.left, or the room.archived behind it.
    follows = Q(seq__gt=OuterRef("left_seq"), seq__lte=OuterRef("left_seq") + 2)
    erased = Event.objects.filter(follows, stream=OuterRef("room_id"), type="user.erased", actor_id=job.user_id)
    rooms = Member.objects.filter(~Exists(erased), user=job.user_id, room_id__gt=last).order_by("room_id")
    room_id = rooms.values_list("room_id", flat=True).first()
    if room_id is None:
        return False
    after = max(job.position.get("seq", 0), _before_first_stay(room_id, job.user_id))
    _rewrite(job, room_id, "room", after=after)
    return True


def _before_first_stay(room_id: UUID, user_id: UUID) -> int:
    """The seq up to which the room's log does not show the user."""
    joined = MembershipPeriod.objects.filter(room=room_id, user=user_id).aggregate(seq=Min("joined_seq"))["seq"]
    return (joined or 1) - 1


def _rewrite_next_inbox(job: Job) -> bool:
    """An inbox shows its own user, and the peers of its direct rooms."""
    last = UUID(job.position["inbox"]) if "inbox" in job.position else _BEFORE_ALL
    direct = Member.objects.filter(room__kind=Kind.DIRECT, room__members__user=job.user_id)
    peers = direct.exclude(user=job.user_id).filter(user_id__gt=last).order_by("user_id")
    peer_id = peers.values_list("user_id", flat=True).first()
    rest = [user_id for user_id in (peer_id, job.user_id) if user_id is not None and user_id > last]
    if not rest:
        return False
    _rewrite(job, min(rest), "inbox", after=job.position.get("seq", 0))
    return True


def _rewrite(job: Job, stream: UUID, kind: str, *, after: int) -> None:
    """The next batch of a room or inbox. The one that comes to a room's head appends `user.erased` as well."""
    seqs, looked_at = _find(stream, job.user_id, after)
    head = StreamHead.objects.filter(pk=stream).values_list("last_seq", flat=True).first() or 0
    if not seqs and looked_at < head:
        with transaction.atomic():
            jobs.save_position(job, seq=looked_at)
        return
    rooms, inboxes = ([stream], []) if kind == "room" else ([], [stream])
    with record_events(rooms=rooms, inboxes=inboxes) as log:
        # Again: a send that was under way when the account was deleted may have come in meanwhile.
        seqs, looked_at = _find(stream, job.user_id, after)
        _show_tombstone(stream, seqs, job.user)
        if looked_at < log.head(stream):
            jobs.save_position(job, seq=looked_at)
            return
        if kind == "room":
            _append_erased(log, stream, job.user)
        jobs.save_position(job, seq=0, **{kind: str(stream)})


def _append_erased(log: Log, room_id: UUID, user: User) -> None:
    log.append(room_id, "user.erased", user.id, {"user": Author.of(user)._asdict()})


def _find(stream: UUID, user_id: UUID, after: int) -> tuple[list[int], int]:
    """The seqs of the next events that name the user, and up to where that was looked for."""
    window = Event.objects.filter(stream=stream, seq__gt=after, seq__lte=after + WINDOW)
    named = window.filter(data__contains=str(user_id)).order_by("seq").values_list("seq", flat=True)
    seqs = list(named[:BATCH])
    return seqs, seqs[-1] if len(seqs) == BATCH else after + WINDOW


_UPDATE_EVENTS = """UPDATE api_event SET data = rewritten.data FROM {rewritten}
                    WHERE api_event.stream = rewritten.stream AND api_event.seq = rewritten.seq"""
_UPDATE_MESSAGES = """UPDATE api_message SET data = rewritten.data FROM {rewritten}
                      WHERE api_message.room_id = rewritten.stream AND api_message.seq = rewritten.seq"""


def _show_tombstone(stream: UUID, seqs: Sequence[int], user: User) -> None:
    """Rewrite the events of these seqs and the messages that stand there."""
    shown = UserSerializer().to_representation(user)
    events = Event.objects.filter(stream=stream, seq__in=seqs).values_list("seq", "data")
    messages = Message.objects.filter(room_id=stream, seq__in=seqs).values_list("seq", "data")
    for statement, rows in ((_UPDATE_EVENTS, events), (_UPDATE_MESSAGES, messages)):
        rewritten = [(seq, new) for seq, data in rows if (new := _rewrite_json(data, shown)) != data]
        if rewritten:
            table, parameters = rows_as_table(
                "rewritten",
                stream=("uuid", [stream] * len(rewritten)),
                seq=("bigint", [seq for seq, _ in rewritten]),
                data=("text", [data for _, data in rewritten]),
            )
            with connection.cursor() as cursor:
                cursor.execute(statement.format(rewritten=table), parameters)


def _rewrite_json(data: str, shown: Mapping[str, Any]) -> str:
    value = orjson.loads(data)
    _replace_user(value, shown)
    return strict_json.dumps(value).decode()


def _replace_user(value: object, shown: Mapping[str, Any]) -> None:
    """Wherever the user is rendered, as author, member or peer: the same fields, as they are now.

    Metadata is what somebody wrote, like a text; the user's own goes with the user.
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
