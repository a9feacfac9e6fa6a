"""A check that the server is there and the token is good, by REST."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from wire.fields import EmptySerializer
from wire.schema import problems


class PingView(SessionView):
    """Answers, and does nothing else."""

    @extend_schema(
        operation_id="ping",
        summary="Is the server there, and is my token good?",
        request=None,
        responses={204: None, **problems(body=True)},
    )
    def post(self, request: Request) -> Response:
        self.body(EmptySerializer)
        return Response(status=204)
