"""The rules by which a user may be put into a room, invited to it, or neither."""

from collections.abc import Collection
from enum import StrEnum
from uuid import UUID

from api.models import AddedBy, Block, UserSettings


class Placement(StrEnum):
    """The way in which an actor may bring a user into a room."""

    ADD = "add"
    INVITE = "invite"  # the user wants to be asked
    REFUSE = "refuse"  # the user blocks the actor


def placements(actor_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, Placement]:
    """Return for each user whether the actor may put them into a room directly, in two queries for all of them.

    Call it under the locks of the users' inboxes: a block and a change of settings hold that of their user.
    """
    blockers = Block.objects.against(actor_id, user_ids)
    asked = UserSettings.objects.filter(user__in=user_ids, added_by=AddedBy.NOBODY).exclude(user=actor_id)
    invited = set(asked.values_list("user_id", flat=True))
    found = dict.fromkeys(user_ids, Placement.ADD) | dict.fromkeys(invited, Placement.INVITE)
    return found | dict.fromkeys(blockers, Placement.REFUSE)
