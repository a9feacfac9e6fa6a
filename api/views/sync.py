"""The REST face of sync."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations import SYNC
from api.services.sync import Asking, sync
from wire.budget import ANSWER_BYTES
from wire.views import endpoint


class SyncView(SessionView):
    """Everything that a device has missed."""

    @endpoint(SYNC)
    def post(self, request: Request, **body: Any) -> Response:
        return Response(sync(Asking(self.session.user_id, **body), ANSWER_BYTES).data)
