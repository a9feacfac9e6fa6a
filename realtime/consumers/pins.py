"""Pin actions: each is the twin of an endpoint."""

from functools import partial
from typing import Any
from uuid import UUID

import orjson

from api.operations.pins import LIST_PINS, PIN_MESSAGE, UNPIN_MESSAGE
from api.services import pins
from realtime.consumers.actions import Reply, action, require_session
from realtime.consumers.authenticated import AuthenticatedConsumer
from realtime.database import PAGE_BYTES, read_for, write_for


class PinActions(AuthenticatedConsumer):
    """The actions on pins."""

    @action(PIN_MESSAGE)
    async def pin_message(self, room_id: UUID, message_id: UUID) -> Reply:
        session = require_session(self.session)
        pin = partial(pins.pin_message, session=session, room_id=room_id, message_id=message_id)
        return orjson.Fragment(await write_for(session.user_id, room_id, pin)), 200

    @action(UNPIN_MESSAGE)
    async def unpin_message(self, room_id: UUID, message_id: UUID) -> Reply:
        session = require_session(self.session)
        unpin = partial(pins.unpin_message, session=session, room_id=room_id, message_id=message_id)
        return orjson.Fragment(await write_for(session.user_id, room_id, unpin)), 200

    @action(LIST_PINS)
    async def list_pins(self, room_id: UUID, **page: Any) -> Reply:
        user_id = require_session(self.session).user_id
        read = partial(pins.list_pins, user_id=user_id, room_id=room_id, max_bytes=PAGE_BYTES, **page)
        return await read_for(user_id, read), 200
