"""The REST face of typing."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.serializers.typing import TypingSerializer
from api.services import typing
from wire.schema import problems


class TypingView(SessionView):
    """Publishes that the user starts or stops typing."""

    @extend_schema(
        operation_id="set_typing",
        summary="I am typing in the room, or no longer",
        description="Say it again every typing.resend_ms of hello; it ends with false, with a message, and after 15 s.",
        request=TypingSerializer,
        responses={
            204: None,
            **problems("not_found", "room.not_member", "room.archived", "room.peer_deleted", body=True),
        },
    )
    def post(self, request: Request, room_id: UUID) -> Response:
        typing.set_typing(user_id=self.session.user_id, room_id=room_id, **self.body(TypingSerializer))
        return Response(status=204)
