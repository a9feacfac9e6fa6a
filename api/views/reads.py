"""The REST face of read markers."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.log import MARK_READ, MARK_UNREAD
from api.services import reads
from wire.views import endpoint


class ReadView(SessionView):
    """Moves the read marker forward."""

    @endpoint(MARK_READ)
    def post(self, request: Request, room_id: UUID, **body: Any) -> Response:
        return Response(reads.mark_read(session=self.session, room_id=room_id, **body))


class UnreadView(SessionView):
    """Moves the read marker back."""

    @endpoint(MARK_UNREAD)
    def post(self, request: Request, room_id: UUID, seq: int) -> Response:
        return Response(reads.mark_unread(session=self.session, room_id=room_id, seq=seq))
