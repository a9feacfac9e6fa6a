"""Retention: the daily purge of messages that are older than their room keeps, of sessions, links and audit records.

A purged message is a tombstone. One event of the room, `messages.purged`, covers all messages below a seq.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.audit import purge_audit
from accounts.services import PURGE_BATCH, purge_sessions
from api.models import Job, Message, Room
from api.services import jobs
from api.services.messages.tombstones import make_tombstone, write_tombstones
from api.services.rooms import purge_links
from eventlog.transaction import EventTransaction, record_events

# Messages of one event, which one transaction purges: it holds the room's head for well below a second.
PURGE_MESSAGES = 1_000
CHUNK = 100  # messages in memory at once: their texts may have up to 32 KB each

_BEFORE_ALL = UUID(int=0)


def purge_sessions_step(job: Job) -> bool:
    """Delete a batch of expired sessions. Returns True when none is left."""
    return _save_after(job, purge_sessions()) < PURGE_BATCH


def step(job: Job) -> bool:
    """Delete a batch of old audit records and of expired links, or purge a batch of one room.

    Returns True when nothing is left.
    """
    if "room" not in job.position and _save_after(job, max(purge() for purge in DAILY.values())) >= PURGE_BATCH:
        return False
    room_id = _next_room(UUID(job.position["room"]) if "room" in job.position else _BEFORE_ALL)
    if room_id is None:
        return True
    with record_events(rooms=[room_id]) as log:
        purged = _purge(log, room_id)
        jobs.save_position(job, **({"room": str(room_id)} if purged < PURGE_MESSAGES else {}))
    return False


def _save_after(job: Job, number: int) -> int:
    with transaction.atomic():
        jobs.save_position(job)
    return number


def purge_old_records() -> int:
    """Delete up to PURGE_BATCH audit records that are older than AUDIT_DAYS. Returns their number."""
    return purge_audit(timedelta(days=settings.AUDIT_DAYS), PURGE_BATCH)


# What goes every day beside the messages, by its name: the job and `manage.py purge` delete it batch by batch.
DAILY: dict[str, Callable[[], int]] = {"audit records": purge_old_records, "expired links": purge_links}


def purge_messages() -> Iterator[int]:
    """Purge all rooms, one transaction after the other; yields the number of messages of each."""
    room_id: UUID | None = _BEFORE_ALL
    while room_id is not None and (room_id := _next_room(room_id)) is not None:
        purged = PURGE_MESSAGES
        while purged == PURGE_MESSAGES:
            with record_events(rooms=[room_id]) as log:
                purged = _purge(log, room_id)
            yield purged


def _next_room(last: UUID) -> UUID | None:
    rooms = Room.objects.filter(retention_days__isnull=False, pk__gt=last).order_by("pk")
    return rooms.values_list("pk", flat=True).first()


def _purge(log: EventTransaction, room_id: UUID) -> int:
    """Purge up to PURGE_MESSAGES messages of a locked room. Returns their number; without any no event is appended.

    Times do not decrease along a room's log, so the old messages are those below a seq.
    """
    room = Room.objects.get(pk=room_id)
    if room.retention_days is None:  # an owner has just changed it
        return 0
    messages = Message.objects.filter(room=room_id)
    old = messages.filter(created_at__lt=log.now - timedelta(days=room.retention_days))
    newest = old.order_by("-created_at", "-seq").values_list("seq", flat=True).first()
    if newest is None or newest < room.purged_before_seq:
        return 0
    rest = messages.filter(seq__gte=room.purged_before_seq, seq__lte=newest, deleted_at=None).order_by("seq")
    seqs = list(rest.values_list("seq", flat=True)[:PURGE_MESSAGES])
    if not seqs:
        return 0
    before_seq = (seqs[-1] if len(seqs) == PURGE_MESSAGES else newest) + 1
    version, at = log.next_seq(room_id), log.time_of(room_id)
    for first in range(0, len(seqs), CHUNK):
        chunk = rest.filter(seq__gte=seqs[first], seq__lte=seqs[min(first + CHUNK, len(seqs)) - 1])
        rows = list(chunk.values_list("pk", "data"))
        write_tombstones(
            log, room_id, [make_tombstone(pk, data, version=version, at=at, sender=None) for pk, data in rows]
        )
    room.purged_before_seq, room.purged_seq = before_seq, version
    room.save(update_fields=["purged_before_seq", "purged_seq"])
    log.append(room_id, "messages.purged", None, {"before_seq": before_seq})
    return len(seqs)
