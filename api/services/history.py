"""Reading back: pages of a room's messages, and pages of the log itself."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Subquery
from django.db.models.functions import Coalesce

from api.models import Epoch, Event, Member, Message, StreamHead
from api.serializers.events import PAGE
from api.serializers.messages import Anchor
from api.services.access import find_reader
from wire.problems import Problem

Row = tuple[int, str | bytes]  # seq, JSON


def get_messages(
    *,
    user_id: UUID,
    room_id: UUID,
    before: Anchor | None = None,
    after: Anchor | None = None,
    around: Anchor | None = None,
    limit: int = 50,
    max_bytes: int | None = None,
) -> dict[str, Any]:
    """A page of messages, oldest first, as of the head that it names; with no anchor the newest.

    `max_bytes` ends the page early, at what is farthest from the anchor. The cost does not depend on the room's size.
    Raises Problem room.not_member or not_found (the room, or an anchor that is nowhere in what the user may see).
    """
    # The head is read before the rows: whoever goes on from it misses nothing.
    member, head, epoch = find_reader(user_id, room_id)
    split, ahead = _split(member, head, before=before, after=after, around=around)
    # One row of the side that was not asked for tells whether there is more on it.
    back, forth = (1 if after is not None else limit + 1), (limit + 1 if ahead else 1)
    visible = Message.objects.visible_to(member).values_list("seq", "data")
    older = list(visible.filter(seq__lt=split).order_by("-seq")[:back])
    newer = list(visible.filter(seq__gte=split, seq__lte=head).order_by("seq")[:forth]) if split <= head else []
    wanted = _walk([] if after is not None else older, newer if ahead else [])
    rows = sorted(_fit(wanted, limit, max_bytes))
    return {
        "results": [orjson.Fragment(data) for _, data in rows],
        "page": _page(rows, older, newer),
        "head": head,
        "epoch": epoch,
    }


def stream_head(stream: UUID) -> tuple[int, int]:
    """The last seq of a stream and the epoch."""
    epoch = Coalesce(Subquery(Epoch.objects.values("value")[:1]), 1)
    found = StreamHead.objects.filter(pk=stream).values_list("last_seq", epoch).first()
    return found or (0, Epoch.current())


def _split(
    member: Member, head: int, *, before: Anchor | None, after: Anchor | None, around: Anchor | None
) -> tuple[int, bool]:
    """The seq at which the page's new side begins, and whether that side was asked for."""
    if before is not None:
        return _seq_of(member, head, before, at_most=head + 1), False
    if around is not None:
        return _seq_of(member, head, around, at_most=head), True
    if after is not None:
        return _seq_of(member, head, after, at_most=head, step=1), True
    return head + 1, False


def _seq_of(member: Member, head: int, anchor: Anchor, *, at_most: int, step: int = 0) -> int:
    """The first seq at or, with a step of 1, behind the anchor. "unread" lies between the read and the unread."""
    if anchor == "unread":
        return member.read_seq + 1
    if isinstance(anchor, datetime):
        return _seq_of_time(member.room_id, anchor, step) or head + 1
    if isinstance(anchor, UUID):
        seq = Message.objects.visible_to(member).filter(pk=anchor).values_list("seq", flat=True).first()
    else:
        seq = anchor if isinstance(anchor, int) and 1 - step <= anchor <= at_most else None
    if seq is None:
        raise Problem("not_found", "There is no such place in this room's history.")
    return seq + step


def _seq_of_time(room_id: UUID, moment: datetime, step: int) -> int | None:
    """Times do not decrease along a room's log, so a moment is a place in it."""
    messages = Message.objects.filter(room_id=room_id).order_by("created_at", "seq").values_list("seq", flat=True)
    from_there = messages.filter(created_at__gt=moment) if step else messages.filter(created_at__gte=moment)
    return from_there.first()


def _walk(older: Sequence[Row], newer: Sequence[Row]) -> Iterator[Row]:
    """From the anchor outwards, to both sides in turn."""
    for pair in zip_longest(newer, older):
        yield from (row for row in pair if row is not None)


def _fit(rows: Iterator[Row], limit: int, max_bytes: int | None) -> Iterator[Row]:
    """As many as fit, but one at least, so that every page leads on."""
    size = 0
    for count, row in enumerate(rows):
        if max_bytes is not None:
            size += len(row[1].encode() if isinstance(row[1], str) else row[1]) + 1
        if count == limit or (count and max_bytes is not None and size > max_bytes):
            return
        yield row


def _page(rows: Sequence[Row], older: Sequence[Row], newer: Sequence[Row]) -> dict[str, Any]:
    if not rows:
        return {"oldest_seq": None, "newest_seq": None, "more_before": bool(older), "more_after": bool(newer)}
    known = [seq for seq, _ in (*older, *newer)]
    oldest, newest = rows[0][0], rows[-1][0]
    return {
        "oldest_seq": oldest,
        "newest_seq": newest,
        "more_before": min(known) < oldest,
        "more_after": max(known) > newest,
    }


def get_events(
    *,
    user_id: UUID,
    room_id: UUID | None,
    after: int | None = None,
    before: int | None = None,
    limit: int = PAGE,
    max_bytes: int | None = None,
) -> dict[str, Any]:
    """A page of a room's log or, with no room, of the user's inbox: after < seq < before, in order.

    With `before` alone it is the newest below it, else the oldest first. What the history rule does not give is left
    out: only of a since_joined room, and only before the first join and between a leave and a re-join.
    """
    if room_id is None:
        head, epoch = stream_head(user_id)
        events = Event.objects.filter(stream=user_id)
    else:
        member, head, epoch = find_reader(user_id, room_id)
        events = Event.objects.visible_to(member)
    events = events.filter(seq__gt=after or 0, seq__lte=head)
    if before is not None:
        events = events.filter(seq__lt=before)
    backwards = before is not None and after is None
    found = list(events.order_by("-seq" if backwards else "seq")[: limit + 1])
    rows = list(_fit(_rows(found), limit, max_bytes))
    return {
        "results": [orjson.Fragment(data) for _, data in sorted(rows)],
        "head": head,
        "epoch": epoch,
        "more": len(rows) < len(found),
    }


def _rows(events: Sequence[Event]) -> Iterator[Row]:
    return ((event.seq, event.json()) for event in events)
