"""The search for users, limited by the setting USER_SEARCH."""

from django.conf import settings

from accounts import views
from accounts.models import UserQuerySet
from api.models import Member


class UsersView(views.UsersView):
    def searchable(self) -> UserQuerySet:
        users = super().searchable()
        if settings.USER_SEARCH == "shared_rooms":
            return users.filter(Member.objects.shares_room_with(self.session.user_id))
        return users
