"""Times in JSON: RFC 3339, UTC, milliseconds, Z."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime


def format_time(moment: datetime) -> str:
    """Render an aware datetime. Microseconds are cut, not rounded, which keeps the order."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime | None:
    """Parse an RFC 3339 time, its T and Z in either case. Returns None for another text or a time out of range."""
    try:
        moment = parse_datetime(text.upper())
        return None if moment is None or moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # in UTC it can be before the year 1 or after 9999
        return None
