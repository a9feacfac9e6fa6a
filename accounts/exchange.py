"""Exchanges a JWT of an app's backend for a session, and extends a session with a fresh one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from accounts import external, services
from accounts.claims import LEEWAY_SECONDS, Claims, accepts_jwts
from accounts.models import ExternalIdentity, Session, User, digest_id
from accounts.serializers import UpdateMeBody
from wire import rates
from wire.problems import Problem, define
from wire.rate_limits import RateLimit

define("auth.token_revoked", 401, "The token was issued before its user's sessions were ended.")
define("auth.other_user", 403, "A socket cannot change its user")

LIMIT = RateLimit(rates.EXCHANGE)
_CLAIMS = {"name": "display_name", "picture": "avatar_url"}  # and the field of the profile that each sets


def verify(token: str) -> Claims:
    """Verify a JWT, without the database; it may wait for the keys of an identity provider.

    Raises Problem auth.invalid_token, limit.exchange, unavailable, or not_found when this server accepts no JWTs.
    """
    if not accepts_jwts():
        raise Problem("not_found", "This server accepts no JWTs.")
    from accounts import jwts  # PyJWT and cryptography take 0.2 s and 20 MB, which only their users pay

    claims = jwts.verify(token)
    LIMIT.take(claims.external_id)
    return claims


def exchange(*, claims: Claims, device: Mapping[str, str] | None = None) -> services.Login:
    """Open a session for the user of a JWT, who is made at first sight. It ends with the JWT at the latest.

    Raises Problem auth.token_revoked, auth.account_disabled or unavailable.
    """
    with transaction.atomic():
        user = _find_or_make_user(claims)
        return services.open_session(user, device, _end_of(claims))


def extend(*, session: Session, claims: Claims) -> Session:
    """Let a session live as long as a fresh JWT of its user. Raises Problem as exchange, or auth.other_user."""
    with transaction.atomic():
        user = _find_or_make_user(claims)
        if user.pk != session.user_id:
            raise Problem("auth.other_user", "The token is another user's.")
        services.require_live(session)
        locked = Session.objects.select_for_update().filter(pk=session.pk).first()
        if locked is None:  # it has ended since the line before
            raise Problem("auth.invalid_token")
        session = locked
        if session.ends_at is not None:
            session.ends_at = max(session.ends_at, _end_of(claims))
        session.slide(timezone.now())
        session.save(update_fields=["ends_at", "last_used_at", "expires_at"])
    session.user = user
    return session


def _end_of(claims: Claims) -> datetime:
    """Return the end of the token; within the leeway that of the leeway, or its session would be born dead."""
    if claims.expires_at > timezone.now():
        return claims.expires_at
    return claims.expires_at + timedelta(seconds=LEEWAY_SECONDS)


def _find_or_make_user(claims: Claims) -> User:
    """Return the user of a token, locked, with the profile of the token. The caller is in a transaction."""
    profile = _profile_of(claims)
    for _ in range(2):  # once more if another request makes the user at the same moment
        identity = ExternalIdentity.objects.select_related("user").filter(external_id=claims.external_id).first()
        if identity is None:
            _refuse_erased(claims)
            user = external.make_user(claims.external_id, profile)
            if user is not None:
                return user
            continue
        with external.changing(identity.user, profile) as user:
            valid_after = user.external.tokens_valid_after
            if valid_after is not None and claims.issued_at <= valid_after:
                raise Problem("auth.token_revoked")
            if not user.is_active:
                raise Problem("auth.account_disabled")
            external.apply_profile(user, profile)
        return user
    raise Problem("unavailable")


def _refuse_erased(claims: Claims) -> None:
    """Raise a Problem for the token of a user who was erased: only PUT admin/users makes the user anew."""
    erased = ExternalIdentity.objects.filter(former_id=digest_id(claims.external_id)).first()
    if erased is None:
        return
    if erased.tokens_valid_after is not None and claims.issued_at <= erased.tokens_valid_after:
        raise Problem("auth.token_revoked")
    raise Problem("auth.account_disabled")


def _profile_of(claims: Claims) -> dict[str, Any]:
    """Return the fields of the profile that the claims set; a value that the profile refuses is left out."""
    fields = UpdateMeBody().fields
    profile = {}
    for claim, name in _CLAIMS.items():
        value = getattr(claims, claim)
        if isinstance(value, str) and value:
            try:
                profile[name] = fields[name].run_validation(value)
            except ValidationError:
                continue
    return profile
