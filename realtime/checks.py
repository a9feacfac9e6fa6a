"""Checks of our own settings for `check --deploy`; Django checks DEBUG and a weak SECRET_KEY."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.checks.security.base import W004

from accounts.claims import accepts_jwts


@register(Tags.security, deploy=True)
def check_deployment(**kwargs: Any) -> list[CheckMessage]:
    """Report settings of a process that is configured for development, not for production."""
    return [*_required(), *_origins(), *_workers()]


def _required() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not settings.SECURE_HSTS_SECONDS:
        found.append(W004)  # Django's own, which it reports only with SecurityMiddleware
    if settings.SECRET_KEY_IS_GENERATED:
        hint = "Set SECRET_KEY to 50 random characters or more, the same for every process."
        found.append(Error("SECRET_KEY is not set: each machine generates another one.", hint=hint, id="parley.E001"))
    if not settings.RATE_LIMITS:
        hint = "Remove RATE_LIMITS=0: the default is 1 unless HOST is a loopback address and ALLOWED_HOSTS is empty."
        found.append(Error("RATE_LIMITS is off: one client can use up the server.", hint=hint, id="parley.E006"))
    return found


def _origins() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if "*" in settings.ALLOWED_HOSTS:
        hint = "List the names under which clients reach the server in ALLOWED_HOSTS."
        found.append(Error("ALLOWED_HOSTS lets any Host header in.", hint=hint, id="parley.E002"))
    if settings.CORS_ALLOW_ALL_ORIGINS:
        hint = "List the origins of your web apps in CORS_ALLOWED_ORIGINS."
        found.append(Warning("Pages of every origin may call this API.", hint=hint, id="parley.W003"))
    if accepts_jwts() and not settings.JWT_AUDIENCE:
        hint = "Set JWT_AUDIENCE, and put it into each JWT as aud."
        found.append(Warning("JWTs for any other service count here, too.", hint=hint, id="parley.W007"))
    return found


def _workers() -> list[CheckMessage]:
    if settings.WORKERS < 2:
        return []
    found: list[CheckMessage] = []
    if not settings.REDIS_URL:
        text = "Several workers without REDIS_URL: delivery between them takes about a second."
        found.append(Warning(text, hint="Set REDIS_URL, or WORKERS=1.", id="parley.W004"))
    if "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        text = "Several workers on SQLite take turns at one write lock."
        found.append(Warning(text, hint="Set DATABASE_URL to a PostgreSQL, or WORKERS=1.", id="parley.W005"))
    return found
