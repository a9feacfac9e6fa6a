"""Retries of sends, recognised before their fields are validated: no rate limit refuses them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from api.models import Message
from api.serializers.messages import BATCH


def is_stored(user_id: UUID, fields: Mapping[str, Any]) -> bool:
    """Return whether this user has already stored all messages that the fields of a send name.

    The fields are those of `send_message`, or of `send_messages` with its `items`, and may have any shape.
    """
    items = fields.get("items", [fields])
    try:
        room_id = UUID(str(fields.get("room_id")))
        client_ids = {item["client_id"] for item in items}
        if not 0 < len(client_ids) <= BATCH or not all(isinstance(each, str) for each in client_ids):
            return False
    except (ValueError, TypeError, LookupError):
        return False
    found = Message.objects.filter(room_id=room_id, sender_id=user_id, client_id__in=client_ids)
    return found.count() == len(client_ids)
