"""The REST face of reactions."""

from typing import Any
from uuid import UUID

import orjson
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.reactions import DELETE_REACTION, LIST_REACTIONS, PUT_REACTION
from api.serializers.reactions import read_key
from api.services import reactions
from wire.views import endpoint


class ReactionsView(SessionView):
    """The reactions to a message."""

    @endpoint(LIST_REACTIONS)
    def get(self, request: Request, room_id: UUID, message_id: UUID, **query: Any) -> Response:
        user_id = self.session.user_id
        return Response(reactions.list_reactions(user_id=user_id, room_id=room_id, message_id=message_id, **query))


class ReactionView(SessionView):
    """The user's own reaction to a message, with one key."""

    @endpoint(PUT_REACTION)
    def put(self, request: Request, room_id: UUID, message_id: UUID, key: str) -> Response:
        return self._react(room_id=room_id, message_id=message_id, key=key, on=True)

    @endpoint(DELETE_REACTION)
    def delete(self, request: Request, room_id: UUID, message_id: UUID, key: str) -> Response:
        return self._react(room_id=room_id, message_id=message_id, key=key, on=False)

    def _react(self, *, key: str, **change: Any) -> Response:
        return Response(orjson.Fragment(reactions.react(session=self.session, key=read_key(key), **change)))
