"""The search for users, limited by the setting USER_SEARCH."""

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.operations import SEARCH_USERS
from accounts.serializers import UserSerializer
from accounts.views import SessionView
from api.models import Member
from wire.pagination import paginate
from wire.views import endpoint


class UsersView(SessionView):
    @endpoint(SEARCH_USERS)
    def get(self, request: Request, q: str, **page_query: Any) -> Response:
        users = User.objects.named(q) if settings.USER_SEARCH == "exact" else User.objects.matching(q)
        if settings.USER_SEARCH == "shared_rooms":
            users = users.filter(Member.objects.shares_room_with(self.session.user_id))
        page = paginate(users, order=["username"], **page_query)
        return Response(page.as_dict(lambda rows: UserSerializer(rows, many=True).data))
