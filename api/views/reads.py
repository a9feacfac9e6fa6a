"""The REST face of read markers."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.serializers.reads import MarkerSerializer, ReadSerializer, UnreadSerializer
from api.services import reads
from wire.schema import problems

REFUSALS = problems("not_found", "room.not_member", "read.ahead", body=True)


class ReadView(SessionView):
    """Moves the read marker forward."""

    @extend_schema(
        operation_id="mark_read",
        summary="I have read up to this seq; never moves back",
        request=ReadSerializer,
        responses={200: MarkerSerializer, **REFUSALS},
    )
    def post(self, request: Request, room_id: UUID) -> Response:
        return Response(reads.mark_read(session=self.session, room_id=room_id, **self.body(ReadSerializer)))


class UnreadView(SessionView):
    """Moves the read marker back."""

    @extend_schema(
        operation_id="mark_unread",
        summary="This seq and all after it is unread again; never moves forward",
        request=UnreadSerializer,
        responses={200: MarkerSerializer, **REFUSALS},
    )
    def post(self, request: Request, room_id: UUID) -> Response:
        return Response(reads.mark_unread(session=self.session, room_id=room_id, **self.body(UnreadSerializer)))
