"""The REST face of the user's own account, with the number of unread messages in all rooms."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view

from accounts import views
from accounts.models import User
from accounts.serializers import ProfileBody
from api.serializers.me import MeSerializer
from api.services.me import unread_total
from wire.schema import problems


@extend_schema_view(
    get=extend_schema(operation_id="get_me", summary="Who I am", responses={200: MeSerializer, **problems()}),
    patch=extend_schema(
        operation_id="update_me",
        summary="Change my profile",
        request=ProfileBody,
        responses={200: MeSerializer, **problems(body=True)},
    ),
)
class MeView(views.MeView):
    def represent(self, user: User) -> dict[str, Any]:
        total, is_capped = unread_total(user.id)
        return {**super().represent(user), "unread_total": total, "unread_total_capped": is_capped}
