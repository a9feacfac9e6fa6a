"""Rooms in events of the releases before 0.2, with the fields that came later."""

from typing import Any, AnyStr

import orjson

from api.models.choices import Notify, Posting, Receipts
from wire import strict_json

_ROOM_DEFAULTS = {
    "posting": Posting.EVERYONE,
    "slow_mode_seconds": 0,
    "retention_days": None,
    "mode": {"receipts": Receipts.MEMBERS, "typing": True},
}
_PREFERENCE_DEFAULTS = {"notify": Notify.ALL, "snoozed_until": None, "pinned": False}


def complete_room(data: AnyStr) -> AnyStr:
    """Return the JSON of a room in an event with the fields that the releases before 0.2 left out."""
    return _complete(data, '"mode":{"receipts":', _ROOM_DEFAULTS)


def complete_preferences(data: AnyStr) -> AnyStr:
    """Return the JSON of room.preferred with the fields that the releases before 0.2 left out."""
    return _complete(data, '"notify":', _PREFERENCE_DEFAULTS)


def _complete(data: AnyStr, newest: str, defaults: dict[str, Any]) -> AnyStr:
    """Add the defaults to JSON without the newest of these fields. The name in a text is escaped, so it is no field."""
    if (newest if isinstance(data, str) else newest.encode()) in data:
        return data
    whole = strict_json.dumps(defaults | orjson.loads(data))
    return whole.decode() if isinstance(data, str) else whole
