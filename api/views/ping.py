"""The REST face of ping: a check of the server and of the token."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from wire.fields import EmptySerializer
from wire.schema import problems


class PingView(SessionView):
    """Answers 204 and does nothing else."""

    @extend_schema(
        operation_id="ping",
        summary="Is the server there, and is my token good?",
        request=None,
        responses={204: None, **problems(body=True)},
    )
    def post(self, request: Request) -> Response:
        self.body(EmptySerializer)
        return Response(status=204)
