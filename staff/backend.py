"""The authentication backend of the admin site: passwords are checked as log_in checks them, with the same limits."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import passwords
from accounts.models import User, fold
from accounts.passwords import Attempt, turns
from staff.models import StaffMember
from wire.client_address import client_address
from wire.problems import Problem


class StaffBackend(BaseBackend):
    """Finds staff by username and password."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """Return the user of a right password. Raises ValidationError after too many wrong ones."""
        if not username or not password:
            return None
        user = User.objects.filter(username=fold(username), is_active=True).first()
        address = client_address(request) if request is not None else None
        attempt = Attempt("login", fold(username), address, exists=user is not None)
        try:
            attempt.begin()
            with turns.turn(attempt):
                verdict = passwords.verify(password, user.password if user else None)
        except Problem as problem:
            raise ValidationError(problem.detail) from problem
        if user is None or not verdict.is_right:
            attempt.failed()
            return None
        attempt.succeeded()
        return user

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True, pk__in=StaffMember.objects.values("user")).first()
