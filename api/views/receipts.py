"""The REST face of delivery markers and receipts."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.receipts import ACK, GET_RECEIPTS
from api.services import receipts
from wire.views import endpoint


class AckView(SessionView):
    """Notes what has reached the device."""

    @endpoint(ACK)
    def post(self, request: Request, rooms: dict[UUID, int]) -> Response:
        receipts.acknowledge(user_id=self.session.user_id, rooms=rooms)
        return Response({})


class ReceiptsView(SessionView):
    """The receipts of one message."""

    @endpoint(GET_RECEIPTS)
    def get(self, request: Request, room_id: UUID, message_id: UUID) -> Response:
        found = receipts.get_receipts(user_id=self.session.user_id, room_id=room_id, message_id=message_id)
        return Response(found)
