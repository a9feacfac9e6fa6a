"""The right to see the presence of others."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from django.db.models import Q

from api.models import Block, Member, UserSettings

USERS = 1_000  # in one query

Pair = tuple[UUID, UUID]


def visible_people(wanted: Mapping[UUID, Collection[UUID]]) -> dict[UUID, set[UUID]]:
    """Return, of the users whom each user wants to see, those whose presence the user may see.

    Two users see each other if they share a room that each of them made, joined, accepted or wrote in, and neither
    blocks the other; a room into which another has put one of them shows nothing. A user who does not share their
    presence sees others, and is seen by nobody. Everybody sees themselves. This is the one place of the rule.
    """
    rooms = _rooms_of(wanted)
    closed = _blocks_among(wanted)
    hidden: set[UUID] = set()
    for users in _chunks(set().union(*wanted.values())):
        hidden.update(UserSettings.objects.filter(pk__in=users, share_presence=False).values_list("pk", flat=True))
    visible = {}
    for viewer, user_ids in wanted.items():
        mine = rooms.get(viewer, set())
        seen = {each for each in user_ids if each not in hidden and not mine.isdisjoint(rooms.get(each, ()))}
        if closed:
            seen = {each for each in seen if (viewer, each) not in closed and (each, viewer) not in closed}
        visible[viewer] = seen | {each for each in user_ids if each == viewer}
    return visible


def _rooms_of(wanted: Mapping[UUID, Collection[UUID]]) -> dict[UUID, set[UUID]]:
    """Read the rooms that show presence, by user; of a single viewer only the rooms of that viewer."""
    viewers, rooms = set(wanted), dict[UUID, set[UUID]]()
    memberships = Member.objects.joined().filter(put_by_other=False).values_list("user_id", "room_id")
    for users in _chunks(viewers):
        _collect(rooms, memberships.filter(user_id__in=users))
    if len(viewers) == 1:
        memberships = memberships.filter(room_id__in=list(set().union(*rooms.values())))
    for users in _chunks(set().union(*wanted.values()) - viewers):
        _collect(rooms, memberships.filter(user_id__in=users))
    return rooms


def _collect(rooms: dict[UUID, set[UUID]], memberships: Iterable[Pair]) -> None:
    for user_id, room_id in memberships:
        rooms.setdefault(user_id, set()).add(room_id)


def _blocks_among(wanted: Mapping[UUID, Collection[UUID]]) -> set[Pair]:
    """Read the blocks of these users: of a single viewer only those that concern the viewer."""
    blocks, people = Block.objects.all(), set().union(wanted, *wanted.values())
    if len(wanted) == 1:
        [viewer] = wanted
        blocks = blocks.filter(Q(user_id=viewer) | Q(blocked_id=viewer))
    found: set[Pair] = set()
    for users in _chunks(people):
        found.update(blocks.filter(user_id__in=users).values_list("user_id", "blocked_id"))
    return found


def _chunks(users: Collection[UUID]) -> list[list[UUID]]:
    ordered = list(users)
    return [ordered[start : start + USERS] for start in range(0, len(ordered), USERS)]
