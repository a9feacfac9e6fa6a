"""The versions of a message: what its text was after each whole event about it, from the log."""

from typing import Any
from uuid import UUID

import orjson
from django.db.models import Max

from api.models import Block, Message
from api.models.visibility import is_visible_to
from api.serializers.message_shape import complete
from api.services.members.access import find_member
from api.services.messages.find import find_message
from eventlog.models import Event
from wire.budget import ANSWER_BYTES
from wire.fields import format_time
from wire.problems import Problem

MAX_VERSIONS = 100


def get_versions(*, user_id: UUID, room_id: UUID, message_id: UUID, max_bytes: int = ANSWER_BYTES) -> dict[str, Any]:
    """Return the newest versions of a message that the user may see, oldest first: at most MAX_VERSIONS.

    `max_bytes` of events leaves out the oldest ones. A deleted message has none.
    Raises Problem room.not_member, or not_found, also for a message whose sender the user blocks.
    """
    member = find_member(user_id, room_id)
    message = find_message(member, message_id)
    if Block.objects.filter(user=user_id, blocked=message.sender_id).exists():
        raise Problem("not_found", "You block the sender of this message.")
    if message.deleted_at is not None:
        return {"results": []}
    events = Event.objects.filter(is_visible_to(member), stream=room_id, message_id=message_id).order_by("-seq")
    results: list[dict[str, Any]] = []
    size = 0
    for data, at in events.values_list("data", "at")[:MAX_VERSIONS].iterator():
        size += len(data.encode())
        if results and size > max_bytes:
            break
        shape = orjson.loads(complete(data))
        kept = {name: shape[name] for name in ("version", "text", "metadata", "mentions")}
        results.append({**kept, "at": format_time(at)})
    return {"results": results[::-1]}


def last_whole_version(message: Message) -> int:
    """Return the version of the message's last whole event, which may be older than the message's own."""
    events = Event.objects.filter(stream=message.room_id, message_id=message.pk)
    found: int | None = events.aggregate(seq=Max("seq"))["seq"]
    return found or message.version
