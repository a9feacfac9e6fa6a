"""Reading back: pages of a room's messages, and pages of the log itself."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import starmap, zip_longest
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db.models import BigIntegerField, QuerySet, Subquery, UUIDField
from django.db.models.functions import Coalesce

from api.models import Epoch, Event, Member, Message, Room, StreamHead
from api.models.log import EventQuerySet, FinishedRow, finish
from api.models.rooms import History
from api.serializers.events import PAGE
from api.serializers.messages import Anchor
from api.services.members.access import Reader, find_reader
from wire.budget import ANSWER_BYTES, bytes_within
from wire.compiled_query import LIMITS_KEPT, CompiledQuery, list_param, param
from wire.problems import Problem


class Row(NamedTuple):
    """A message or an event as a page has it: its place, its JSON, and the seq of the last event about it."""

    seq: int
    json: bytes | None  # None beyond the bytes of the page
    version: int


def get_messages(
    *,
    user_id: UUID,
    room_id: UUID,
    before: Anchor | None = None,
    after: Anchor | None = None,
    around: Anchor | None = None,
    limit: int = 50,
    max_bytes: int = ANSWER_BYTES,
) -> dict[str, Any]:
    """A page of messages, oldest first, as of the head that it names; with no anchor the newest.

    `max_bytes` ends the page early, at the message farthest from the anchor, and no more than that is read from either
    side; one message always comes. The cost does not depend on the room's size.
    Raises Problem room.not_member or not_found (the room, or an anchor that is nowhere in what the user may see).
    """
    # The head is read before the rows: whoever goes on from it misses nothing.
    reader = find_reader(user_id, room_id)
    split, ahead = _split(reader.member, reader.head, before=before, after=after, around=around)
    # One row of the side that was not asked for tells whether there is more on it.
    older = _beside(reader, split, 1 if after is not None else limit + 1, max_bytes)
    newer = _beside(reader, split, limit + 1 if ahead else 1, max_bytes, newer=True) if split <= reader.head else []
    _check_again(reader, [*older, *newer])
    wanted = _walk([] if after is not None else older, newer if ahead else [])
    rows = sorted(_fit(wanted, limit, max_bytes))
    return {
        "results": _fragments(rows),
        "page": _page(rows, older, newer),
        "head": reader.head,
        "epoch": reader.epoch,
    }


def stream_heads(streams: Collection[UUID]) -> tuple[int, dict[UUID, int]]:
    """The epoch, and the last seq of each of these streams that has one, of one moment."""
    rows = _find_heads(streams=streams)
    return rows[0][2] if rows else Epoch.current(), {stream: seq for stream, seq, _ in rows}


_find_heads = CompiledQuery(
    lambda: StreamHead.objects.filter(pk__in=list_param("streams", UUIDField())).values_list(
        "stream", "last_seq", Coalesce(Subquery(Epoch.objects.values("value")[:1]), 1)
    )
)


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
    """Go outwards from the anchor, to both sides in turn."""
    for pair in zip_longest(newer, older):
        yield from (row for row in pair if row is not None)


def _fit(rows: Iterator[Row], limit: int, max_bytes: int) -> Iterator[Row]:
    """Keep as many as fit, and always one, so that every page leads on."""
    size = 0
    for count, row in enumerate(rows):
        size += len(row.json or b"") + 1
        if count == limit or row.json is None or (count and size > max_bytes):
            return
        yield row


def _fragments(rows: Sequence[Row]) -> list[orjson.Fragment]:
    return [orjson.Fragment(row.json) for row in rows if row.json is not None]


def _page(rows: Sequence[Row], older: Sequence[Row], newer: Sequence[Row]) -> dict[str, Any]:
    if not rows:
        return {"oldest_seq": None, "newest_seq": None, "more_before": bool(older), "more_after": bool(newer)}
    known = [row.seq for row in (*older, *newer)]
    oldest, newest = rows[0].seq, rows[-1].seq
    return {
        "oldest_seq": oldest,
        "newest_seq": newest,
        "more_before": min(known) < oldest,
        "more_after": max(known) > newest,
    }


def _beside(reader: Reader, split: int, count: int, max_bytes: int, *, newer: bool = False) -> list[Row]:
    """The messages nearest to a seq on one side of it, as the reader may see them; the seq itself is a newer one."""
    member = reader.member
    find = _prepare_side(member.room.history, newer, count)
    found = find(room_id=member.room_id, user_id=member.user_id, split=split, head=reader.head, budget=max_bytes)
    return list(starmap(Row, found))


@lru_cache(LIMITS_KEPT)
def _prepare_side(history: str, newer: bool, count: int) -> CompiledQuery[tuple[int, bytes | None, int]]:
    return CompiledQuery(lambda: _side(history, newer)[:count])


def _side(history: str, newer: bool) -> QuerySet[Message, tuple[int, bytes | None, int]]:
    visible = Message.objects.visible_to(_any_reader(history))
    split, head = param("split", BigIntegerField()), param("head", BigIntegerField())
    side = visible.filter(seq__gte=split, seq__lte=head) if newer else visible.filter(seq__lt=split)
    order = "seq" if newer else "-seq"
    data = bytes_within("data", param("budget", BigIntegerField()), order)
    return side.order_by(order).values_list("seq", data, "version")


def _any_reader(history: str) -> Member:
    """Stands in a prepared query for the member who reads."""
    reader = Member(user_id=param("user_id", UUIDField()))
    reader.room = Room(id=param("room_id", UUIDField()), history=history)
    return reader


def _check_again(reader: Reader, rows: Sequence[Row]) -> None:
    """Check the membership again for rows that were edited since the reader was found."""
    if any(row.version > reader.head for row in rows):
        find_reader(reader.member.user_id, reader.member.room_id)


def get_events(
    *,
    user_id: UUID,
    room_id: UUID | None,
    after: int | None = None,
    before: int | None = None,
    limit: int = PAGE,
    max_bytes: int = ANSWER_BYTES,
) -> dict[str, Any]:
    """A page of a room's log or, with no room, of the user's inbox: after < seq < before, in order.

    `max_bytes` ends the page early, as in `get_messages`. With `before` alone it is the newest below it, else the
    oldest first. What the history rule does not give is left out: only of a since_joined room, and only before the
    first join and between a leave and a re-join.
    """
    rule, head, epoch = _rule_of(user_id, room_id)
    backwards = before is not None and after is None
    below = head + 1 if before is None else min(before, head + 1)
    find = _prepare_events(rule, backwards, limit + 1)
    found = find(room_id=room_id or user_id, user_id=user_id, after=after or 0, below=below, budget=max_bytes)
    rows = list(_fit(map(_finish, found), limit, max_bytes))
    return {
        "results": _fragments(sorted(rows)),
        "head": head,
        "epoch": epoch,
        "more": len(rows) < len(found),
    }


def _rule_of(user_id: UUID, room_id: UUID | None) -> tuple[str, int, int]:
    """The history rule, the head and the epoch; an inbox is read as a room is whose past its members share."""
    if room_id is None:
        epoch, heads = stream_heads([user_id])
        return History.SHARED, heads.get(user_id, 0), epoch
    member, head, epoch = find_reader(user_id, room_id)
    return member.room.history, head, epoch


@lru_cache(LIMITS_KEPT)
def _prepare_events(history: str, backwards: bool, count: int) -> CompiledQuery[FinishedRow]:
    budget, order = param("budget", BigIntegerField()), "-seq" if backwards else "seq"
    return CompiledQuery(lambda: _events(history).finished_within(budget, order)[:count])


def _events(history: str) -> EventQuerySet:
    after, below = param("after", BigIntegerField()), param("below", BigIntegerField())
    return Event.objects.visible_to(_any_reader(history)).filter(seq__gt=after, seq__lt=below)


def _finish(row: FinishedRow) -> Row:
    seq, data = row[2], row[-1]
    return Row(seq, None if data is None else finish(*row[:-1], data), seq)
