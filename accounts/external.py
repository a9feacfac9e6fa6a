"""Users whom an app's backend names by its own ids: made, changed, deactivated and erased with a server key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import administration, audit, services
from accounts.keys import require_key
from accounts.models import ExternalIdentity, ServerKey, User, digest_id, is_external_id
from accounts.signals import change_account
from accounts.usernames import clean_username, made_username, refuse_held, username_taken
from wire.problems import Problem, invalid

_PROFILE = (*services.PROFILE, "username")


def find_user(external_id: str) -> User:
    """Find the user with this external id. Raises Problem request.invalid or not_found."""
    if not is_external_id(external_id):
        raise invalid("external_id", "invalid", "An external id has 1 to 255 printable ASCII characters.")
    user = User.objects.select_related("external").filter(external__external_id=external_id).first()
    if user is None:
        raise Problem("not_found", "There is no user with this external id.")
    return user


def put_user(*, key: ServerKey, external_id: str, changes: Mapping[str, Any]) -> tuple[User, bool]:
    """Make the user, or change what is given of username, display_name, avatar_url, metadata and is_active.

    Return the user, and whether it was made. Raises Problem request.invalid, auth.username_taken, username.limit, or
    auth.invalid_token for a key that was revoked meanwhile.
    """
    for _ in range(2):  # once more as a change, if another request makes the user at the same moment
        try:
            user = find_user(external_id)
        except Problem as problem:
            if problem.code != "not_found":
                raise
            made = _create(key, external_id, changes)
            if made is not None:
                return made, True
        else:
            return _change(key, user, changes), False
    raise Problem("unavailable")


def make_user(external_id: str, fields: Mapping[str, Any], *, valid_after: bool = False) -> User | None:
    """Make a user with an external id in the caller's transaction, or return None if there is one meanwhile.

    Raises Problem request.invalid or auth.username_taken. With `valid_after` the JWTs of before are refused.
    """
    given = fields.get("username")
    user = User(username=clean_username(given) if given is not None else made_username())
    user.display_name = fields.get("display_name") or user.username
    user.avatar_url, user.metadata = fields.get("avatar_url"), fields.get("metadata", {})
    user.set_unusable_password()
    identity = ExternalIdentity(
        user=user, external_id=external_id, tokens_valid_after=timezone.now() if valid_after else None
    )
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            identity.save(force_insert=True)
    except IntegrityError as error:
        if ExternalIdentity.objects.filter(external_id=external_id).exists():
            return None
        raise username_taken() from error
    refuse_held(user)
    user.external = identity
    return user


def _create(key: ServerKey, external_id: str, changes: Mapping[str, Any]) -> User | None:
    with transaction.atomic():
        former = ExternalIdentity.objects.filter(former_id=digest_id(external_id))
        user = make_user(external_id, changes, valid_after=former.exists())
        if user is None:
            return None
        former.update(former_id=None)  # the id names the new user from now on
        require_key(key)
        audit.record("user.created", actor=str(key.pk), target=("user", user.pk))
        if changes.get("is_active") is False:
            administration.deactivate(user=user, actor=str(key.pk))
            user.is_active = False
    return user


def _change(key: ServerKey, user: User, changes: Mapping[str, Any]) -> User:
    with transaction.atomic(), changing(user, changes) as user:
        require_key(key)
        if apply_profile(user, changes):
            audit.record("user.changed", actor=str(key.pk), target=("user", user.pk))
        is_active = changes.get("is_active", user.is_active)
        if user.is_active and not is_active:
            administration.deactivate(user=user, actor=str(key.pk))
        elif is_active and not user.is_active:
            administration.reactivate(user=user, actor=str(key.pk))
        user.is_active = is_active
    return user


@contextmanager
def changing(user: User, changes: Mapping[str, Any]) -> Iterator[User]:
    """Change the profile of a user within the caller's transaction; yields the user, locked. Raises Problem as lock.

    The devices of the user get an event if something changes. A change of nothing locks the user's row alone.
    """
    with nullcontext() if _is_so(user, changes) else change_account(user.pk):
        locked = lock(user)
        # Another request may have changed it since, and then the locks come in another order than everywhere else.
        with change_account(user.pk) if _is_so(user, changes) and not _is_so(locked, changes) else nullcontext():
            yield locked


def _is_so(user: User, changes: Mapping[str, Any]) -> bool:
    return all(getattr(user, name) == value for name, value in changes.items() if name in _PROFILE)


def lock(user: User) -> User:
    """Lock the user's row in the caller's transaction. Raises Problem not_found for one who was erased meanwhile."""
    users = User.objects.select_for_update(no_key=True, of=("self",)).select_related("external")
    locked = users.filter(pk=user.pk, deleted_at=None).first()
    if locked is None:
        raise Problem("not_found", "There is no user with this external id.")
    return locked


def apply_profile(user: User, changes: Mapping[str, Any]) -> bool:
    """Change the given fields of the profile of a locked user. Returns whether one of them is another than before.

    Raises Problem as accounts.services.rename.
    """
    fields = {name: changes[name] for name in services.PROFILE if name in changes}
    changed = [name for name, value in fields.items() if getattr(user, name) != value]
    for name in changed:
        setattr(user, name, fields[name])
    if changed:
        user.save(update_fields=changed)
    former = user.username
    if "username" in changes:
        services.rename(user, clean_username(changes["username"]))
    return bool(changed) or user.username != former


def erase_user(*, key: ServerKey, external_id: str) -> None:
    """Delete the account, as `delete_account` does. A user who is erased already is no error.

    Raises Problem request.invalid, not_found for an id that never was a user's, or auth.invalid_token.
    """
    try:
        user = find_user(external_id)
    except Problem:
        if ExternalIdentity.objects.filter(former_id=digest_id(external_id)).exists():
            return
        raise
    with transaction.atomic():
        administration.erase(user=user, actor=str(key.pk))
        require_key(key)


def open_session(
    *, key: ServerKey, external_id: str, device: Mapping[str, str] | None = None, expires_in: int | None = None
) -> services.Login:
    """Open a session for a user, which ends after `expires_in` seconds at the latest.

    Raises Problem request.invalid, not_found, auth.account_disabled or auth.invalid_token.
    """
    user = find_user(external_id)
    with transaction.atomic():
        user = lock(user)
        require_key(key)
        if not user.is_active:
            raise Problem("auth.account_disabled")
        ends_at = None if expires_in is None else timezone.now() + timedelta(seconds=expires_in)
        login = services.open_session(user, device, ends_at)
        audit.record("user.session_opened", actor=str(key.pk), target=("user", user.pk))
    return login


def end_sessions(*, key: ServerKey, external_id: str) -> None:
    """End all sessions of a user, and refuse the JWTs that were issued until now. Raises Problem as open_session."""
    user = find_user(external_id)
    with transaction.atomic():
        require_key(key)
        administration.end_sessions(user=user, actor=str(key.pk))
