"""The actions of streamed messages."""

from functools import partial
from typing import Any
from uuid import UUID

import orjson

from api.operations.streamed import APPEND_MESSAGE, FINISH_MESSAGE
from api.services import messages
from realtime.consumers.actions import Reply, action, require_session
from realtime.consumers.authenticated import AuthenticatedConsumer
from realtime.database import write_for


class StreamedActions(AuthenticatedConsumer):
    """The actions with which a device writes a message bit by bit."""

    @action(APPEND_MESSAGE)
    async def append_message(self, room_id: UUID, **fields: Any) -> Reply:
        session = require_session(self.session)
        append = partial(messages.append_message, session=session, room_id=room_id, **fields)
        return orjson.Fragment(await write_for(session.user_id, room_id, append)), 200

    @action(FINISH_MESSAGE)
    async def finish_message(self, room_id: UUID, **fields: Any) -> Reply:
        session = require_session(self.session)
        finish = partial(messages.finish_message, session=session, room_id=room_id, **fields)
        return orjson.Fragment(await write_for(session.user_id, room_id, finish)), 200
