"""Slugs: the names of public rooms in URLs, each of one room at a time."""

from uuid import UUID

from api.models import Room
from wire.problems import Problem, define

define("room.slug_taken", 409, "The slug is taken")


def find_room_id(slug: str) -> UUID | None:
    """Find the id of the room that has this slug, which is folded already."""
    return Room.objects.filter(slug=slug).values_list("pk", flat=True).first()


def slug_conflict(slug: str | None) -> Problem:
    """Return the problem for a write that a unique constraint rejected: room.slug_taken, or else unavailable."""
    if slug is not None and find_room_id(slug) is not None:
        return Problem("room.slug_taken", f"Another room has the slug {slug}.")
    # The conflicting change was undone at once, or the locks should have excluded it: a retry decides.
    return Problem("unavailable", "Somebody changed the same thing. Try again.")
