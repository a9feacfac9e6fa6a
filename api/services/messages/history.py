"""History: pages of a room's messages, and pages of its events or of an inbox."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache, partial
from itertools import starmap, zip_longest
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db.models import BigIntegerField, UUIDField

from api.models import Member, Message, Reaction, Room, ThreadFollow
from api.models.choices import History
from api.models.visibility import is_visible_to
from api.serializers.events import PAGE
from api.serializers.message_shape import reactions_of, render_stored
from api.serializers.messages import HISTORY_PAGE, Anchor
from api.serializers.stubs import hide_event, hide_message
from api.services.members.access import Reader, find_reader
from eventlog.heads import read_heads
from eventlog.models import Event, EventQuerySet, FinishedRow, finish
from wire.budget import ANSWER_BYTES, bytes_within
from wire.compiled_query import LIMITS_KEPT, CompiledQuery, param
from wire.problems import Problem


class Row(NamedTuple):
    """A message or an event on a page: its place, its JSON, and the seq of the last event about it."""

    seq: int
    json: bytes | None  # None if it does not fit into the bytes of the page
    version: int


def get_messages(
    *,
    user_id: UUID,
    room_id: UUID,
    before: Anchor | None = None,
    after: Anchor | None = None,
    around: Anchor | None = None,
    thread: UUID | None = None,
    limit: int = HISTORY_PAGE,
    max_bytes: int = ANSWER_BYTES,
) -> dict[str, Any]:
    """Return a page of messages, oldest first, as of the returned head; without an anchor the newest page.

    The page is of the room's main line or, with `thread`, of the replies to this message, which is added as `root`.
    `max_bytes` ends the page early, at the message farthest from the anchor, and no more than that is read from either
    side; a page has at least one message. The cost does not depend on the room's size.
    Raises Problem room.not_member or not_found (the room, the thread, or an anchor that the user may not see).
    """
    # The head is read before the rows: a client that follows the events after it misses nothing.
    reader = find_reader(user_id, room_id)
    root = [] if thread is None else _find_root(reader.member, thread)
    split, ahead = _split(reader, thread, before=before, after=after, around=around)
    beside = partial(_beside, reader, thread, split, max_bytes=max_bytes)
    # One row of the other side shows whether it has more.
    older = beside(1 if after is not None else limit + 1)
    newer = beside(limit + 1 if ahead else 1, newer=True) if split <= reader.head else []
    if any(row.version > reader.head for row in (*older, *newer, *root)):
        # A row was changed after the head was read, perhaps after the user had left: check the membership again.
        find_reader(user_id, room_id)
    pairs = zip_longest(newer if ahead else [], [] if after is not None else older)  # outwards from the anchor
    rows = sorted(_fit((row for pair in pairs for row in pair if row is not None), limit, max_bytes))
    shown = _render(reader, [*root, *rows])
    return {
        **({"root": orjson.Fragment(shown[0])} if root else {}),
        "results": list(map(orjson.Fragment, shown[len(root) :])),
        "page": _page(rows, older, newer),
        "head": reader.head,
        "epoch": reader.epoch,
        "mine": Reaction.objects.keys_of(user_id, reactions_of(shown)),
    }


def _render(reader: Reader, rows: Sequence[Row]) -> list[bytes]:
    """Return the messages as the reader gets them."""
    room, blocked = reader.member.room, reader.blocked
    rendered = [render_stored(room, row.json) for row in rows if row.json is not None]
    if blocked:
        rendered = [hide_message(json, blocked) for json in rendered]
    return rendered


def _find_root(member: Member, thread: UUID) -> list[Row]:
    """Return the row of the message whose thread is paged. Raises Problem not_found, for a reply in a thread too."""
    roots = Message.objects.visible_to(member).begin_threads()
    found = roots.filter(pk=thread).values_list("seq", "data", "version")
    rows = [Row(seq, data.encode(), version) for seq, data, version in found]
    if not rows:
        raise Problem("not_found", "There is no such message, or it is itself a reply in a thread.")
    return rows


def _split(
    reader: Reader, thread: UUID | None, *, before: Anchor | None, after: Anchor | None, around: Anchor | None
) -> tuple[int, bool]:
    """Return the seq at which the newer side of the page begins, and whether the page includes that side."""
    head = reader.head
    if before is not None:
        return _seq_of(reader, thread, before, at_most=head + 1), False
    if around is not None:
        return _seq_of(reader, thread, around, at_most=head), True
    if after is not None:
        return _seq_of(reader, thread, after, at_most=head, step=1), True
    return head + 1, False


def _seq_of(reader: Reader, thread: UUID | None, anchor: Anchor, *, at_most: int, step: int = 0) -> int:
    """Return the first seq at the anchor or, with a step of 1, after it. "unread" is the first unread seq."""
    member, head = reader.member, reader.head
    if anchor == "unread":
        follows = ThreadFollow.objects.filter(thread=thread, user=member.user_id) if thread is not None else None
        if follows is None:
            return member.read_seq + 1
        marker = follows.values_list("read_seq", flat=True).first()
        return 1 if marker is None else max(marker, member.joined_seq) + 1  # as `followed_by` counts
    if isinstance(anchor, datetime):
        # Times do not decrease along a room's log, so a time is a place in it.
        messages = Message.objects.filter(room_id=member.room_id).order_by("created_at", "seq")
        later = messages.filter(created_at__gt=anchor) if step else messages.filter(created_at__gte=anchor)
        return later.values_list("seq", flat=True).first() or head + 1
    if isinstance(anchor, UUID):
        seq = Message.objects.visible_to(member).filter(pk=anchor).values_list("seq", flat=True).first()
    else:
        seq = anchor if isinstance(anchor, int) and 1 - step <= anchor <= at_most else None
    if seq is None:
        raise Problem("not_found", "There is no such place in this room's history.")
    return seq + step


def _fit(rows: Iterator[Row], limit: int, max_bytes: int) -> Iterator[Row]:
    """Yield the rows that fit, and always one, so that every page makes progress."""
    size = 0
    for count, row in enumerate(rows):
        size += len(row.json or b"") + 1
        if count == limit or row.json is None or (count and size > max_bytes):
            return
        yield row


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


def _beside(
    reader: Reader, thread: UUID | None, split: int, count: int, *, max_bytes: int, newer: bool = False
) -> list[Row]:
    """Return the visible messages nearest to a seq, on one side of it; the newer side includes the seq itself."""
    member = reader.member
    find = _prepare_side(member.room.history, thread is not None, newer, count)
    values = {"room_id": member.room_id, "user_id": member.user_id, "thread": thread}
    found = find(**values, split=split, head=reader.head, budget=max_bytes)
    return list(starmap(Row, found))


@lru_cache(LIMITS_KEPT)
def _prepare_side(
    history: str, in_thread: bool, newer: bool, count: int
) -> CompiledQuery[tuple[int, bytes | None, int]]:
    line = Message.objects.in_line(param("thread", UUIDField()) if in_thread else None)
    visible = line.visible_to(_any_reader(history))
    split, head = param("split", BigIntegerField()), param("head", BigIntegerField())
    side = visible.filter(seq__gte=split, seq__lte=head) if newer else visible.filter(seq__lt=split)
    order = "seq" if newer else "-seq"
    data = bytes_within("data", param("budget", BigIntegerField()), order)
    return CompiledQuery(lambda: side.order_by(order).values_list("seq", data, "version")[:count])


def _any_reader(history: str) -> Member:
    """Return a member with placeholders in place of the ids, for a compiled query."""
    reader = Member(user_id=param("user_id", UUIDField()))
    reader.room = Room(id=param("room_id", UUIDField()), history=history)
    return reader


def get_events(
    *,
    user_id: UUID,
    room_id: UUID | None,
    after: int | None = None,
    before: int | None = None,
    limit: int = PAGE,
    max_bytes: int = ANSWER_BYTES,
) -> dict[str, Any]:
    """Return a page of a room's events or, without a room, of the user's inbox: after < seq < before, in order.

    `max_bytes` ends the page early, as in `get_messages`. With `before` alone the page ends below it; otherwise it
    begins after `after`. Events that the history rule hides are left out: only in a since_joined room, and only those
    before the first join and between a leave and the next join.
    """
    rule, head, epoch, blocked = _rule_of(user_id, room_id)
    backwards = before is not None and after is None
    below = head + 1 if before is None else min(before, head + 1)
    find = _prepare_events(rule, backwards, limit + 1)
    found = find(room_id=room_id or user_id, user_id=user_id, after=after or 0, below=below, budget=max_bytes)
    finished = (Row(row[2], None if row[-1] is None else finish(*row[:-1], row[-1]), row[2]) for row in found)
    rows = list(_fit(finished, limit, max_bytes))
    if blocked:
        rows = [row._replace(json=hide_event(row.json or b"", blocked)) for row in rows]
    return {
        "results": [orjson.Fragment(row.json) for row in sorted(rows) if row.json is not None],
        "head": head,
        "epoch": epoch,
        "more": len(rows) < len(found),
    }


def _rule_of(user_id: UUID, room_id: UUID | None) -> tuple[str, int, int, frozenset[str]]:
    """Return the history rule, the head, the epoch and the users whose messages are stubs.

    An inbox is read like a room with shared history, and has no messages.
    """
    if room_id is None:
        epoch, heads = read_heads([user_id])
        return History.SHARED, heads.get(str(user_id), 0), epoch, frozenset()
    reader = find_reader(user_id, room_id)
    return reader.member.room.history, reader.head, reader.epoch, reader.blocked


@lru_cache(LIMITS_KEPT)
def _prepare_events(history: str, backwards: bool, count: int) -> CompiledQuery[FinishedRow]:
    after, below = param("after", BigIntegerField()), param("below", BigIntegerField())
    events = visible_events(_any_reader(history)).filter(seq__gt=after, seq__lt=below)
    budget, order = param("budget", BigIntegerField()), "-seq" if backwards else "seq"
    return CompiledQuery(lambda: events.finished_within(budget, order)[:count])


def visible_events(member: Member) -> EventQuerySet:
    """The events of the member's room that the history rule lets them see."""
    return Event.objects.filter(is_visible_to(member), stream=member.room_id)
