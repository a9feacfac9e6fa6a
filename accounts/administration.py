"""Changes that operators make to accounts, by a command or the admin site; each is recorded in the audit."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts import audit, passwords, services, signals
from accounts.models import ExternalIdentity, Session, User
from accounts.passwords import Attempt, turns
from wire.problems import Problem


def erase(*, user: User, actor: str, reason: str = "") -> bool:
    """Delete an account without its password, as `delete_account` does. Returns False if it is deleted already."""
    if User.objects.filter(pk=user.pk, deleted_at__isnull=False).exists():
        return False
    with transaction.atomic():
        signals.account_deleting.send(sender=User, user=user)  # locks first, as in delete_account
        user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if user.deleted_at is not None:
            return False
        services.make_tombstone(user)
        audit.record("user.erased", actor=actor, target=("user", user.pk), reason=reason)
    return True


def deactivate(*, user: User, actor: str = audit.COMMAND, reason: str = "") -> bool:
    """Disable an account: it cannot log in, and all its sessions end. Returns whether it was enabled."""

    def write() -> bool:
        with transaction.atomic():
            changed = bool(User.objects.filter(pk=user.pk, is_active=True).update(is_active=False))
            revoke_tokens(user)
            services.delete_sessions(user.sessions.of_devices())  # a bot's key counts again after a reactivation
            signals.account_deactivated.send(sender=User, user=user)
            if changed:
                audit.record("user.deactivated", actor=actor, target=("user", user.pk), reason=reason)
        return changed

    return services.revoke(write)


def revoke_tokens(user: User) -> None:
    """Refuse the JWTs that were issued to a user until now. The lock makes an exchange wait, or its session visible."""
    if ExternalIdentity.objects.filter(user=user).exists():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        ExternalIdentity.objects.filter(user=user).update(tokens_valid_after=timezone.now())


def reactivate(*, user: User, actor: str = audit.COMMAND, reason: str = "") -> bool:
    """Enable a deactivated account. Returns False for a deleted account, which remains disabled."""
    with transaction.atomic():
        if User.objects.filter(pk=user.pk, deleted_at=None, is_active=False).update(is_active=True):
            audit.record("user.reactivated", actor=actor, target=("user", user.pk), reason=reason)
        return User.objects.filter(pk=user.pk, deleted_at=None).exists()


def end_sessions(*, user: User, actor: str, reason: str = "", only: Session | None = None) -> int:
    """End every session of a user, or only one of them, for an operator. Returns their number."""
    sessions = user.sessions.of_devices()
    if only is not None:
        sessions = sessions.filter(pk=only.pk)

    def write() -> int:
        with transaction.atomic():
            if only is None:
                revoke_tokens(user)
            ended = services.delete_sessions(sessions)
            if ended:
                audit.record("user.sessions_ended", actor=actor, target=("user", user.pk), reason=reason)
        return ended

    return services.revoke(write)


def replace_password(*, user: User, new: str, actor: str, reason: str = "") -> int:
    """Set another password without the old one, for an operator, and end all sessions. Returns their number.

    Raises Problem request.invalid (password), or not_found for a deleted account.
    """
    services.check_new_password(new, user, "password")
    with turns.turn(Attempt("session", user.username)):
        encoded = passwords.encode(new)

    def write() -> int:
        with transaction.atomic():
            locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
            if locked.deleted_at is not None:
                raise Problem("not_found", f"{locked.username} is a deleted account.")
            locked.password = encoded
            locked.save(update_fields=["password"])
            audit.record("user.password_replaced", actor=actor, target=("user", user.pk), reason=reason)
            return services.delete_sessions(user.sessions.of_devices())

    return services.revoke(write)
