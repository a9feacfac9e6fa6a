"""The messages that mention a user."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db.models import OuterRef, Q, UUIDField
from django.utils import timezone

from api.models import Member, Mention, Reaction
from api.models.choices import History
from api.models.visibility import is_in_period
from api.serializers.message_shape import complete, reactions_of, render_stored
from wire.budget import ANSWER_BYTES
from wire.compiled_query import listed
from wire.pagination import paginate

MENTION_DAYS = 90  # older mentions are not listed


def list_mentions(
    *, user_id: UUID, cursor: str | None = None, limit: int, max_bytes: int = ANSWER_BYTES
) -> dict[str, Any]:
    """Return a page of the messages of the last MENTION_DAYS that name the user or everybody in the room, newest first.

    They are of others, visible, and in rooms of which the user is a member. `mine` has the keys of the user's own
    reactions.
    """
    rooms = list(Member.objects.joined().filter(user=user_id).values_list("room_id", flat=True))
    named = Mention.objects.filter(
        target__any_of=listed([user_id, *rooms], UUIDField()),
        room_id__any_of=listed(rooms, UUIDField()),
        created_at__gte=timezone.now() - timedelta(days=MENTION_DAYS),
    ).by_others(user_id)
    is_visible = Q(room__history=History.SHARED) | Q(is_in_period(OuterRef("room_id"), user_id))
    found = named.filter(is_visible).select_related("message", "room")
    page = paginate(found, order=("-created_at", "-message_id"), cursor=cursor, limit=limit)
    shown = [complete(row.message.data.encode()) for row in page.rows]
    return {
        **page.as_dict_within(
            max_bytes, lambda rows: [orjson.Fragment(render_stored(row.room, row.message.data)) for row in rows]
        ),
        "mine": Reaction.objects.keys_of(user_id, reactions_of(shown)),
    }
