"""The admin site: who may enter, and how they log in."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from accounts.models import User
from staff.models import StaffMember


def is_staff(user: Any) -> bool:
    """Return whether the user may use the admin site."""
    return isinstance(user, User) and user.is_active and StaffMember.objects.filter(user=user).exists()


class StaffForm(AdminAuthenticationForm):
    """The form of the login. Others than staff get the error of a wrong password."""

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        if not is_staff(user):
            raise self.get_invalid_login_error()


class StaffSite(AdminSite):
    """The site of Parley's staff."""

    site_header = site_title = "Parley"
    index_title = "Administration"
    site_url = None
    login_form = StaffForm
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return is_staff(request.user)
