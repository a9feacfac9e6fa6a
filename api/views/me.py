"""The user of the request: the profile with the number of unread messages in all rooms, and the end of the account."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.models import EmailAddress, User
from accounts.operations import DELETE_ME, DELETE_ME_BY_POST
from accounts.serializers import UserSerializer
from accounts.views import SessionView
from api.operations.me import GET_ME, UPDATE_ME
from api.services.me import unread_total
from wire.views import endpoint


class MeView(SessionView):
    """The user of the request."""

    @endpoint(GET_ME)
    def get(self, request: Request) -> Response:
        return Response(_render_me(self.session.user))

    @endpoint(UPDATE_ME)
    def patch(self, request: Request, **changes: Any) -> Response:
        return Response(_render_me(services.update_profile(session=self.session, changes=changes)))

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


def _render_me(user: User) -> dict[str, Any]:
    total, is_capped = unread_total(user.id)
    email = EmailAddress.objects.filter(user=user).first()
    return {
        **UserSerializer(user).data,
        "email": email.address if email else None,
        "email_verified": email is not None and email.verified_at is not None,
        "unread_total": total,
        "unread_total_capped": is_capped,
    }
