"""The user of the request, with the number of unread messages in all rooms."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services, views
from accounts.models import User
from accounts.serializers import UserSerializer
from api.operations import GET_ME, UPDATE_ME
from api.services.me import unread_total
from wire.views import endpoint


class MeView(views.MeView):
    @endpoint(GET_ME)
    def get(self, request: Request) -> Response:
        return Response(_render_me(self.session.user))

    @endpoint(UPDATE_ME)
    def patch(self, request: Request, **changes: Any) -> Response:
        return Response(_render_me(services.update_profile(session=self.session, changes=changes)))


def _render_me(user: User) -> dict[str, Any]:
    total, is_capped = unread_total(user.id)
    return {**UserSerializer(user).data, "unread_total": total, "unread_total_capped": is_capped}
