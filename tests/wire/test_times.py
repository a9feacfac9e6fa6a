"""Times that the database renders have the form of those that Python renders."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection

from eventlog.models import StreamHead
from wire.times import RenderedTime, format_time, sql_of_time


@pytest.mark.parametrize("microsecond", [0, 1, 999, 1_000, 120_000, 123_456, 999_499, 999_500, 999_999])
@pytest.mark.parametrize("day", [datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC), datetime(1999, 12, 31, tzinfo=UTC)])
def test_a_time_from_the_database_is_rendered_as_in_python(db: None, day: datetime, microsecond: int) -> None:
    at = day.replace(microsecond=microsecond)
    head = StreamHead.objects.create(stream=uuid4(), last_at=at)

    by_query = StreamHead.objects.filter(pk=head.pk).values_list(RenderedTime("last_at"), flat=True).get()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql_of_time('last_at')} FROM {StreamHead._meta.db_table}")
        [[by_statement]] = cursor.fetchall()

    assert by_query == by_statement == format_time(at)
