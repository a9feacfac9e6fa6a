"""The user of the request: the profile with its settings, and the end of the account."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.operations import DELETE_ME, DELETE_ME_BY_POST
from accounts.views import SessionView
from api.operations.me import GET_ME, UPDATE_ME
from api.services import me
from wire.views import endpoint


class MeView(SessionView):
    """The user of the request."""

    @endpoint(GET_ME)
    def get(self, request: Request) -> Response:
        return Response(me.get_me(user=self.session.user))

    @endpoint(UPDATE_ME)
    def patch(self, request: Request, **changes: Any) -> Response:
        return Response(me.update_me(session=self.session, changes=changes))

    @endpoint(DELETE_ME)
    def delete(self, request: Request, password: str) -> Response:
        services.delete_account(session=self.session, password=password)
        return Response(status=204)


class DeleteMeView(SessionView):
    """The same as DELETE me, for clients and proxies that drop the body of a DELETE."""

    @endpoint(DELETE_ME_BY_POST)
    def post(self, request: Request, password: str) -> Response:
        services.delete_account(session=self.session, password=password)
        return Response(status=204)
