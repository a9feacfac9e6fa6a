"""Totals over all rooms of a user."""

from uuid import UUID

from api.services.reads import unread_counts


def unread_total(user_id: UUID) -> tuple[int, bool]:
    """Return the sum of the unread counts of the user's rooms, and whether one of them was capped."""
    counts = unread_counts(user_id).values()
    return sum(unread for unread, _ in counts), any(is_capped for _, is_capped in counts)
