"""The REST face of streamed messages."""

from typing import Any
from uuid import UUID

import orjson
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.streamed import APPEND_MESSAGE, FINISH_MESSAGE
from api.services import messages
from wire.views import endpoint


class AppendView(SessionView):
    """Appends to a streamed message."""

    @endpoint(APPEND_MESSAGE)
    def post(self, request: Request, room_id: UUID, message_id: UUID, **body: Any) -> Response:
        message = messages.append_message(session=self.session, room_id=room_id, message_id=message_id, **body)
        return Response(orjson.Fragment(message))


class FinishView(SessionView):
    """Finishes a streamed message."""

    @endpoint(FINISH_MESSAGE)
    def post(self, request: Request, room_id: UUID, message_id: UUID, **body: Any) -> Response:
        message = messages.finish_message(session=self.session, room_id=room_id, message_id=message_id, **body)
        return Response(orjson.Fragment(message))
