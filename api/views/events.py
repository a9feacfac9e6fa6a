"""The REST face of the log: a room's events, and the inbox."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.log import GET_EVENTS, GET_INBOX
from api.services import messages
from wire.views import endpoint


class EventsView(SessionView):
    """The events of a room."""

    @endpoint(GET_EVENTS)
    def get(self, request: Request, room_id: UUID, **query: Any) -> Response:
        return Response(messages.get_events(user_id=self.session.user_id, room_id=room_id, **query))


class InboxView(SessionView):
    """The events of the user's inbox."""

    @endpoint(GET_INBOX)
    def get(self, request: Request, **query: Any) -> Response:
        return Response(messages.get_events(user_id=self.session.user_id, room_id=None, **query))
