"""The REST face of ping: a check of the server and of the token."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.log import PING
from wire.views import endpoint


class PingView(SessionView):
    """Answers 204 and does nothing else."""

    @endpoint(PING)
    def post(self, request: Request) -> Response:
        return Response(status=204)
