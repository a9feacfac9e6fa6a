"""The REST face of pins."""

from typing import Any
from uuid import UUID

import orjson
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.pins import LIST_PINS, PIN_MESSAGE, UNPIN_MESSAGE
from api.services import pins
from wire.views import endpoint


class PinsView(SessionView):
    """The pinned messages of a room."""

    @endpoint(LIST_PINS)
    def get(self, request: Request, room_id: UUID, **query: Any) -> Response:
        return Response(pins.list_pins(user_id=self.session.user_id, room_id=room_id, **query))


class PinView(SessionView):
    """The pin of one message."""

    @endpoint(PIN_MESSAGE)
    def put(self, request: Request, room_id: UUID, message_id: UUID) -> Response:
        message = pins.pin_message(session=self.session, room_id=room_id, message_id=message_id)
        return Response(orjson.Fragment(message))

    @endpoint(UNPIN_MESSAGE)
    def delete(self, request: Request, room_id: UUID, message_id: UUID) -> Response:
        message = pins.unpin_message(session=self.session, room_id=room_id, message_id=message_id)
        return Response(orjson.Fragment(message))
