"""The REST face of sync."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations import SYNC
from api.services.sync import SyncRequest, sync
from wire.budget import ANSWER_BYTES
from wire.views import endpoint


class SyncView(SessionView):
    """Answers a device with everything that it has missed."""

    @endpoint(SYNC)
    def post(self, request: Request, **body: Any) -> Response:
        return Response(sync(SyncRequest(self.session.user_id, **body), ANSWER_BYTES).data)
