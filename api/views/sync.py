"""The REST face of sync."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.serializers.sync import SyncedSerializer, SyncSerializer
from api.services.sync import SyncRequest, sync
from wire.budget import ANSWER_BYTES
from wire.schema import problems


class SyncView(SessionView):
    """Answers a device with everything that it has missed."""

    @extend_schema(
        operation_id="sync",
        summary="Say what you have; hear everything that you lack",
        description=(
            "Rooms come by id, descending. Repeat the body with `next` until it is null. An entry's `head` is how far "
            "the entry tells: the next cursor. A room that is not named comes as its Room, without events. A page "
            "ends at 1 MiB."
        ),
        request=SyncSerializer,
        responses={200: SyncedSerializer, **problems(body=True)},
    )
    def post(self, request: Request) -> Response:
        body = self.body(SyncSerializer)
        return Response(sync(SyncRequest(self.session.user_id, **body), ANSWER_BYTES).data)
