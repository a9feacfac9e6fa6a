"""Reaction actions: each is the twin of an endpoint; `react` is that of two."""

from functools import partial
from typing import Any
from uuid import UUID

import orjson

from api.operations.reactions import LIST_REACTIONS, REACT
from api.services import reactions
from realtime.consumers.actions import Reply, action, require_session
from realtime.consumers.authenticated import AuthenticatedConsumer
from realtime.database import read_for


class ReactionActions(AuthenticatedConsumer):
    """The actions on reactions."""

    @action(REACT)
    async def react(self, room_id: UUID, message_id: UUID, key: str, on: bool) -> Reply:
        session = require_session(self.session)
        message = await reactions.areact(session=session, room_id=room_id, message_id=message_id, key=key, on=on)
        return orjson.Fragment(message), 200

    @action(LIST_REACTIONS)
    async def list_reactions(self, room_id: UUID, message_id: UUID, **page: Any) -> Reply:
        user_id = require_session(self.session).user_id
        read = partial(reactions.list_reactions, user_id=user_id, room_id=room_id, message_id=message_id, **page)
        return await read_for(user_id, read), 200
