"""Limits of a user's rooms: rooms of the user's own, rooms into which others add the user, and additions per hour."""

from collections.abc import Collection
from uuid import UUID

from django.db import connection
from django.db.models import Count

from api.models import Member
from api.models.choices import State
from wire import rates
from wire.problems import Problem, define
from wire.rate_limits import RateLimit
from wire.row_tables import rows_as_table

# A device syncs all rooms of its user; reading a thousand takes a second, and nobody follows more.
MAX_ROOMS = 1_000  # that a user created, joined or wrote in
MAX_PLACED = 1_000  # beside them, into which others added the user: others cannot use up the user's own limit

# Additions, invitations and new direct rooms: twenty an hour, a hundred at once. Each added or invited user counts.
INVITES = RateLimit(rates.INVITE)

define("room.limit", 409, "Too many rooms")


def check_own_rooms(user_id: UUID) -> None:
    """Raise Problem room.limit if the user already has MAX_ROOMS rooms of their own.

    Every join holds the lock of the joining user's inbox, so parallel joins cannot exceed the limit.
    """
    if Member.objects.joined().filter(user=user_id, put_by_other=False).count() >= MAX_ROOMS:
        raise Problem(
            "room.limit", f"You are in {MAX_ROOMS} rooms. Leave one, or hide a direct room, to enter another."
        )


def check_placed_rooms(user_ids: Collection[UUID]) -> None:
    """Raise Problem room.limit if others have already added one of these users to MAX_PLACED rooms.

    The detail contains neither the user nor a number: a user's rooms must not be countable by others.
    """
    if find_full(user_ids):
        raise Problem("room.limit", "This cannot be done for now: not everybody named here can be added to a room.")


def find_full(user_ids: Collection[UUID]) -> set[UUID]:
    """Find those of these users whom others have already added to MAX_PLACED rooms."""
    counts = Member.objects.placed_by_others().filter(user__in=user_ids).values("user").annotate(rooms=Count("pk"))
    return set(counts.filter(rooms__gte=MAX_PLACED).values_list("user", flat=True))


# A user with MAX_ROOMS own rooms can still write in a room into which others added them: it remains one of those.
_MEMBER = Member._meta.db_table
_MAKE_OWN = f"""UPDATE {_MEMBER} SET put_by_other = false FROM {{placed}}
                WHERE {_MEMBER}.room_id = placed.room_id AND {_MEMBER}.user_id = placed.user_id
                AND (SELECT COUNT(*) FROM {_MEMBER} own WHERE own.user_id = placed.user_id
                     AND own.state = %s AND NOT own.put_by_other) < %s"""


def make_own(memberships: Collection[tuple[UUID, UUID]]) -> None:
    """Count these memberships, by room and user, as rooms of the user's own from now on."""
    placed, parameters = rows_as_table(
        "placed",
        room_id=("uuid", [room for room, _ in memberships]),
        user_id=("uuid", [user for _, user in memberships]),
    )
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_OWN.format(placed=placed), [*parameters, State.JOINED, MAX_ROOMS])
