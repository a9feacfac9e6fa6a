"""Reads ranges of streams at once, bounded by bytes, for readers that miss different and equal parts of the log."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from eventlog.models import Event, finish
from wire.budget import UNBOUNDED, sql_of_bytes, sql_of_size
from wire.row_tables import as_uuid, rows_as_table
from wire.times import sql_of_time


class LogRange(NamedTuple):
    """The events `first` to `last` of a stream. They are read in the order of their turns: the first has `turn`."""

    stream: UUID
    first: int
    last: int
    turn: int


class Events:
    """Finished events by stream and seq; None stands for one beyond the bytes that were read."""

    def __init__(self, found: Mapping[UUID, Mapping[int, bytes | None]]) -> None:
        self._found = found
        self._joined: dict[tuple[UUID, tuple[tuple[int, int], ...]], bytes | None] = {}

    def of(self, stream: UUID) -> Mapping[int, bytes | None]:
        """Return the events of a stream by seq."""
        return self._found.get(stream, {})

    def join(self, stream: UUID, ranges: Sequence[tuple[int, int]]) -> bytes | None:
        """Return the events of some ranges with commas between them, or None if one is beyond the bytes.

        Readers that miss the same ranges share the result.
        """
        key = stream, tuple(ranges)
        if key not in self._joined:
            found = self.of(stream)
            parts = [found[seq] for first, last in ranges for seq in range(first, last + 1) if seq in found]
            known = [part for part in parts if part is not None]
            self._joined[key] = b",".join(known) if len(known) == len(parts) else None
        return self._joined[key]


def merge(ranges: Sequence[LogRange]) -> list[LogRange]:
    """Cut ranges of one stream into ranges that do not overlap; an event keeps the smallest of its turns."""
    if len(ranges) == 1:
        return [*ranges]
    cuts = sorted({seq for each in ranges for seq in (each.first, each.last + 1)})
    merged = []
    for first, after in pairwise(cuts):
        turns = [each.turn + first - each.first for each in ranges if each.first <= first and after <= each.last + 1]
        if turns:
            merged.append(LogRange(ranges[0].stream, first, after - 1, min(turns)))
    return merged


def read_ranges(ranges: Sequence[LogRange], max_bytes: int = UNBOUNDED) -> Events:
    """Read the events of ranges that do not overlap, about `max_bytes` of them, in one query.

    The bytes are spent turn by turn; the events of turn 0 are always read.
    """
    found: dict[UUID, dict[int, bytes | None]] = {}
    if not ranges:
        return Events(found)
    wanted, parameters = rows_as_table(
        "wanted",
        place=("int", range(len(ranges))),
        stream=("uuid", [each.stream for each in ranges]),
        first_seq=("bigint", [each.first for each in ranges]),
        last_seq=("bigint", [each.last for each in ranges]),
        turn=("bigint", [each.turn for each in ranges]),
    )
    events = _LATERAL if connection.vendor == "postgresql" else _ROWS
    columns = {"data": sql_of_bytes("data"), "size": sql_of_size("data"), "at": sql_of_time("at")}
    sql = _STATEMENT.format(**columns, wanted=wanted, events=events)
    with connection.cursor() as cursor:
        cursor.execute(sql, [max_bytes, *parameters])
        for place, seq, event_type, at, actor_id, data in cursor.fetchall():
            stream = ranges[place].stream
            actor = actor_id and as_uuid(actor_id)
            json = None if data is None else finish(event_type, stream, seq, at, actor, data)
            found.setdefault(stream, {})[seq] = json
    return Events(found)


# The texts are counted in the order of the turns, and only those within the bytes leave the database.
_STATEMENT = """
SELECT place, seq, type, {at}, actor_id, CASE WHEN turn = 0 OR so_far - size < %s THEN {data} END FROM (
    SELECT *, SUM(size) OVER (ORDER BY turn, place, seq ROWS UNBOUNDED PRECEDING) AS so_far FROM (
        SELECT place, turn + seq - first_seq AS turn, seq, type, at, actor_id, data, {size} AS size
        FROM {wanted} CROSS JOIN {events}
    ) AS sized
) AS counted"""

_ROWS = f""""{Event._meta.db_table}" stored
             WHERE stored.stream = wanted.stream AND stored.seq BETWEEN wanted.first_seq AND wanted.last_seq"""

# Both databases look each range up in the index: PostgreSQL because OFFSET keeps the subquery from becoming a join,
# perhaps a hash join that reads the whole log, and SQLite because CROSS JOIN keeps the order of the tables.
_LATERAL = f"LATERAL (SELECT seq, type, at, actor_id, data FROM {_ROWS} OFFSET 0) AS event"
