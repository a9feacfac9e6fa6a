"""The right to see the presence of others."""

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db.models import Q

from api.models import Block, Member, UserSettings

USERS = 1_000  # in one query


def visible_people(wanted: Mapping[UUID, Collection[UUID]]) -> dict[UUID, set[UUID]]:
    """Return, of the users whom each user wants to see, those whose presence the user may see.

    Two users see each other if they share a room that each of them made, joined, accepted or wrote in; a room into
    which another has put one of them shows nothing. Neither of two users of whom one blocks the other sees the other,
    and nobody sees a user who does not share it. Everybody sees themselves. This is the one place of the rule.
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
    hidden = _find_hidden(viewers, targets)
    visible = {}
    for viewer, user_ids in wanted.items():
        mine = rooms.get(viewer, set())
        seen = (each for each in user_ids if each not in hidden[None] and each not in hidden.get(viewer, ()))
        visible[viewer] = {each for each in seen if not mine.isdisjoint(rooms.get(each, ()))}
        visible[viewer] |= {viewer}.intersection(user_ids)
    return visible


def _find_hidden(viewers: set[UUID], targets: set[UUID]) -> dict[UUID | None, set[UUID]]:
    """Find the users whom each viewer may not see because of a block; None stands for all viewers."""
    hidden: dict[UUID | None, set[UUID]] = {None: set()}
    for users in _chunks(targets):
        unshared = UserSettings.objects.filter(user__in=users, share_presence=False)
        hidden[None].update(unshared.values_list("user_id", flat=True))
    for users in _chunks(viewers):
        blocks = Block.objects.filter(Q(user__in=users) | Q(blocked__in=users))
        for one, other in blocks.values_list("user_id", "blocked_id"):
            hidden.setdefault(one, set()).add(other)
            hidden.setdefault(other, set()).add(one)
    return hidden


def _collect(rooms: dict[UUID, set[UUID]], memberships: Collection[tuple[UUID, UUID]]) -> None:
    for user_id, room_id in memberships:
        rooms.setdefault(user_id, set()).add(room_id)


def _chunks(users: Collection[UUID]) -> list[list[UUID]]:
    ordered = list(users)
    return [ordered[start : start + USERS] for start in range(0, len(ordered), USERS)]
