"""The right to see the presence of others."""

from collections.abc import Collection, Mapping
from uuid import UUID

from api.models import Member

USERS = 1_000  # in one query


def visible_people(wanted: Mapping[UUID, Collection[UUID]]) -> dict[UUID, set[UUID]]:
    """Return, of the users whom each user wants to see, those whose presence the user may see.

    Two users see each other if they share a room that each of them made, joined, accepted or wrote in; a room into
    which another has put one of them shows nothing. Everybody sees themselves. This is the one place of the rule.
    """
    viewers, targets = set(wanted), set().union(*wanted.values())
    rooms: dict[UUID, set[UUID]] = {}
    memberships = Member.objects.joined().filter(put_by_other=False)
    for users in _chunks(viewers):
        _collect(rooms, memberships.filter(user_id__in=users).values_list("user_id", "room_id"))
    if len(viewers) == 1:  # of one viewer only the rooms of the viewer are read
        memberships = memberships.filter(room_id__in=list(set().union(*rooms.values())))
    for users in _chunks(targets - viewers):
        _collect(rooms, memberships.filter(user_id__in=users).values_list("user_id", "room_id"))
    visible = {}
    for viewer, user_ids in wanted.items():
        mine = rooms.get(viewer, set())
        visible[viewer] = {each for each in user_ids if each == viewer or not mine.isdisjoint(rooms.get(each, ()))}
    return visible


def _collect(rooms: dict[UUID, set[UUID]], memberships: Collection[tuple[UUID, UUID]]) -> None:
    for user_id, room_id in memberships:
        rooms.setdefault(user_id, set()).add(room_id)


def _chunks(users: Collection[UUID]) -> list[list[UUID]]:
    ordered = list(users)
    return [ordered[start : start + USERS] for start in range(0, len(ordered), USERS)]
