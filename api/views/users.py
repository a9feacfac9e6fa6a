"""The search for people, among those whom the setting USER_SEARCH lets the caller find."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.serializers import UserSearchQuery, UserSerializer
from accounts.views import SessionView
from api.models import Member
from wire.fields import QuerySerializer
from wire.pagination import paginate
from wire.schema import page_of, problems


class UsersView(SessionView):
    queries: ClassVar[dict[str, type[QuerySerializer]]] = {"GET": UserSearchQuery}

    @extend_schema(
        operation_id="search_users",
        summary="Find people by the beginning of any word of their names",
        parameters=[UserSearchQuery],
        responses={200: page_of(UserSerializer), **problems()},
    )
    def get(self, request: Request) -> Response:
        text = self.query.pop("q")
        users = User.objects.named(text) if settings.USER_SEARCH == "exact" else User.objects.matching(text)
        if settings.USER_SEARCH == "shared_rooms":
            users = users.filter(Member.objects.shares_room_with(self.session.user_id))
        page = paginate(users, order=["username"], **self.query)
        return Response(page.as_dict(lambda rows: UserSerializer(rows, many=True).data))
