"""The caller's own account: profile, number of unread messages in all rooms, deletion."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.models import User
from accounts.serializers import DeleteAccountBody, ProfileBody, UserSerializer
from accounts.views import SessionView
from api.serializers.me import MeSerializer
from api.services.me import unread_total
from wire.schema import problems


def render_me(user: User) -> dict[str, Any]:
    """Render the user with the number of unread messages in all rooms."""
    total, is_capped = unread_total(user.id)
    return {**UserSerializer(user).data, "unread_total": total, "unread_total_capped": is_capped}


class MeView(SessionView):
    """The user of the request."""

    delete_body = DeleteAccountBody

    @extend_schema(
        operation_id="get_me",
        summary="Who I am",
        responses={200: MeSerializer, **problems()},
    )
    def get(self, request: Request) -> Response:
        return Response(render_me(self.session.user))

    @extend_schema(
        operation_id="update_me",
        summary="Change my profile",
        request=ProfileBody,
        responses={200: MeSerializer, **problems(body=True)},
    )
    def patch(self, request: Request) -> Response:
        user = services.update_profile(session=self.session, changes=self.body(ProfileBody))
        return Response(render_me(user))

    @extend_schema(
        operation_id="delete_me",
        summary="Delete my account; a tombstone of me stays beside my messages",
        responses={204: None, **problems("auth.wrong_password", "limit.login", body=True)},
    )
    def delete(self, request: Request) -> Response:
        services.delete_account(session=self.session, **self.body(self.delete_body))
        return Response(status=204)


class DeleteMeView(SessionView):
    """The same as DELETE me, for clients and proxies that drop the body of a DELETE."""

    @extend_schema(
        operation_id="delete_me_by_post",
        summary="Delete my account, as DELETE me does, where a DELETE cannot carry a body",
        request=DeleteAccountBody,
        responses={204: None, **problems("auth.wrong_password", "limit.login", body=True)},
    )
    def post(self, request: Request) -> Response:
        services.delete_account(session=self.session, **self.body(DeleteAccountBody))
        return Response(status=204)
