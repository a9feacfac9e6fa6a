"""The REST face of typing."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.log import SET_TYPING
from api.services import typing
from wire.views import endpoint


class TypingView(SessionView):
    """Publishes that the user starts or stops typing."""

    @endpoint(SET_TYPING)
    def post(self, request: Request, room_id: UUID, on: bool) -> Response:
        typing.set_typing(user_id=self.session.user_id, room_id=room_id, on=on)
        return Response(status=204)
