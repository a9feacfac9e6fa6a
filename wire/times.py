"""Times as they look on the wire: RFC 3339, UTC, milliseconds, Z."""

from datetime import UTC, datetime


def format_time(moment: datetime) -> str:
    """Render an aware datetime; microseconds are cut, not rounded, so that order is kept."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
