"""The REST face of messages."""

from typing import Any
from uuid import UUID

import orjson
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.messages import DELETE_MESSAGE, EDIT_MESSAGE, GET_MESSAGE, GET_MESSAGES, GET_VERSIONS, SEND_MESSAGE
from api.services import messages
from wire.views import endpoint


class MessagesView(SessionView):
    """A room's messages: the history, and sending."""

    @endpoint(GET_MESSAGES)
    def get(self, request: Request, room_id: UUID, **query: Any) -> Response:
        return Response(messages.get_messages(user_id=self.session.user_id, room_id=room_id, **query))

    @endpoint(SEND_MESSAGE)
    def post(self, request: Request, room_id: UUID, **body: Any) -> Response:
        sent = messages.send_message(session=self.session, room_id=room_id, **body)
        return Response(orjson.Fragment(sent.json), 201 if sent.created else 200)


class MessageView(SessionView):
    """One message."""

    @endpoint(GET_MESSAGE)
    def get(self, request: Request, room_id: UUID, message_id: UUID) -> Response:
        message = messages.get_message(user_id=self.session.user_id, room_id=room_id, message_id=message_id)
        return Response(message)

    @endpoint(EDIT_MESSAGE)
    def patch(self, request: Request, room_id: UUID, message_id: UUID, **body: Any) -> Response:
        message = messages.edit_message(session=self.session, room_id=room_id, message_id=message_id, **body)
        return Response(orjson.Fragment(message))

    @endpoint(DELETE_MESSAGE)
    def delete(self, request: Request, room_id: UUID, message_id: UUID) -> Response:
        messages.delete_message(session=self.session, room_id=room_id, message_id=message_id)
        return Response(status=204)


class VersionsView(SessionView):
    """The versions of a message."""

    @endpoint(GET_VERSIONS)
    def get(self, request: Request, room_id: UUID, message_id: UUID) -> Response:
        user_id = self.session.user_id
        return Response(messages.get_versions(user_id=user_id, room_id=room_id, message_id=message_id))
