"""Times as they look on the wire: RFC 3339, UTC, milliseconds, Z."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime


def format_time(moment: datetime) -> str:
    """Render an aware datetime; microseconds are cut, not rounded, so that order is kept."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime | None:
    """The moment that an RFC 3339 text names, its T and Z in either case, or None when it names none."""
    try:
        moment = parse_datetime(text.upper())
        return None if moment is None or moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # in UTC it may be before the year 1 or after 9999
        return None
