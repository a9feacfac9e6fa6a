"""Reads the heads of streams."""

from collections.abc import Iterable
from functools import cache
from uuid import UUID

import orjson
from django.db import connection

from eventlog.models import Epoch, StreamHead

_HEADS = """SELECT e.value, {stream}, h.last_seq FROM (SELECT COALESCE((SELECT value FROM {epochs}), 1) AS value) e
            LEFT JOIN {heads} h ON h.stream {wanted}"""


@cache
def _sql(vendor: str) -> str:
    epochs, heads = Epoch._meta.db_table, StreamHead._meta.db_table
    if vendor == "postgresql":
        # A subquery with unnest could become a hash join, which reads the whole table of heads.
        wanted = "= ANY(string_to_array(%s, ',')::uuid[])"
        return _HEADS.format(stream="h.stream::text", epochs=epochs, heads=heads, wanted=wanted)
    return _HEADS.format(stream="h.stream", epochs=epochs, heads=heads, wanted="IN (SELECT value FROM json_each(%s))")


def read_heads(streams: Iterable[UUID | str]) -> tuple[int, dict[str, int]]:
    """Return the epoch and the last seq of each of these streams that has one, from one query with one parameter.

    Ids are text in the result: the sweep reads the heads of all local streams each second, and making UUID objects
    would cost more than the query.
    """
    ids = [str(stream) for stream in streams]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_sql("postgresql"), (",".join(ids),))
            rows = cursor.fetchall()
            return rows[0][0], {stream: seq for _, stream, seq in rows if stream}
        # SQLite keeps UUIDs as 32 digits.
        known = {each.replace("-", ""): each for each in ids}
        cursor.execute(_sql("sqlite"), (orjson.dumps(list(known)).decode(),))
        rows = cursor.fetchall()
        return rows[0][0], {known[stream]: seq for _, stream, seq in rows if stream}
