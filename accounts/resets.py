"""Password resets: a link to the verified address sets a new password and ends all sessions."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.db import transaction

from accounts import passwords
from accounts.emails import digest, email_key, make_token, queue_mail, read_token, require_mail
from accounts.models import EmailAddress, Mail, MailKind, User
from accounts.passwords import Attempt, turns
from accounts.services import check_new_password, delete_sessions, revoke
from wire import rates
from wire.problems import Problem
from wire.shared_limits import SharedRateLimit

RESET_SECONDS = 3_600  # the life of a link that resets a password

of_address = SharedRateLimit(rates.PASSWORD_RESET)


def request_reset(*, email: str, address: str | None = None) -> None:
    """Queue the mail with the link, if a user has verified this e-mail address.

    The request does the same work in both cases and answers the same: accounts.mail looks up the user later. Raises
    Problem email.not_configured, limit.password_reset (for the client's network address) or limit.email.
    """
    require_mail()
    if address is not None:
        of_address.take(address)
    queue_mail(MailKind.RESET_PASSWORD, email_key(email))


def find_owner(key: str) -> EmailAddress | None:
    """Return the verified address with this key and its active user."""
    verified = EmailAddress.objects.filter(key=key, verified_at__isnull=False, user__is_active=True)
    return verified.select_related("user").first()


def reset_token(email: EmailAddress) -> str:
    """Return the token of the link that resets the password of the address's user, once."""
    return make_token(MailKind.RESET_PASSWORD, email.user_id, _state(email))


def reset_password(*, token: str, password: str) -> None:
    """Set a new password and end all sessions.

    Raises Problem email.invalid_token or request.invalid (password). A refused password does not use up the token.
    """
    user_id, state = read_token(token, MailKind.RESET_PASSWORD, RESET_SECONDS)
    user = _find(user_id, state).user
    check_new_password(password, user, "password")
    with turns.turn(Attempt("session", user.username)):
        encoded = passwords.encode(password)
    revoke(partial(_set_password, user, state, encoded))


def _set_password(user: User, state: str, encoded: str) -> None:
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        user = _find(user.pk, state).user  # again: of two uses at the same moment, the second finds another state
        user.password = encoded
        user.save(update_fields=["password"])
        Mail.objects.filter(kind=MailKind.RESET_PASSWORD, address=user.email_address.key).delete()
        delete_sessions(user.sessions.of_devices())


def _find(user_id: UUID, state: str) -> EmailAddress:
    """Return the address of the user if the state is still the one for which the link was made."""
    verified = EmailAddress.objects.filter(user=user_id, verified_at__isnull=False, user__is_active=True)
    email = verified.select_related("user").first()
    if email is None or state != _state(email):
        raise Problem("email.invalid_token")
    return email


def _state(email: EmailAddress) -> str:
    return digest(email.key, email.user.password)
