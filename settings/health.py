"""Two probes: /livez says that the process answers, /readyz that it can do its work, and which part cannot."""

import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis import Redis, RedisError

from accounts import reserve
from wire import descriptors

OK, DEGRADED, UNAVAILABLE, UNUSED = "ok", "degraded", "unavailable", "unused"
PROBE_BYTES = 64 * 1024  # what one message of the largest size takes in SQLite's log
REDIS_SECONDS = 1.0


@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """200 as long as the process serves; it asks nobody else, so that a database's illness restarts no server."""
    return JsonResponse({"status": OK})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the process can accept and store messages, else 503 with the first part that fails as `reason`.

    `degraded` is 200 too: without Redis everything is delivered, about a second later.
    """
    if getattr(request, "scope", {}).get("extensions", {}).get("parley", {}).get("draining"):
        # On a connection that was open before SIGTERM; a proxy sends no more once it reads this.
        return JsonResponse({"status": UNAVAILABLE, "reason": "draining"}, status=503)
    parts = {name: check() for name, check in CHECKS.items()}
    failed = [name for name, state in parts.items() if state == UNAVAILABLE]
    if failed:
        return JsonResponse({"status": UNAVAILABLE, "reason": failed[0], "parts": parts}, status=503)
    return JsonResponse({"status": DEGRADED if DEGRADED in parts.values() else OK, "parts": parts})


def check_database() -> str:
    """It answers, and PostgreSQL is no standby and takes writes."""
    is_postgres = connection.vendor == "postgresql"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')" if is_postgres else "SELECT 'off'")
            return UNAVAILABLE if cursor.fetchone() == ("on",) else OK
    except DatabaseError:
        return UNAVAILABLE


def check_migrations() -> str:
    """All of them are applied."""
    try:
        return OK if _migrated() else UNAVAILABLE
    except DatabaseError:
        return UNAVAILABLE


def check_disk() -> str:
    """There is space beside SQLite's file, and it can be written. PostgreSQL's disk is its own server's."""
    if connection.vendor != "sqlite":
        return UNUSED
    try:
        with tempfile.TemporaryFile(dir=Path(settings.DATABASES["default"]["NAME"]).parent) as probe:
            os.posix_fallocate(probe.fileno(), 0, PROBE_BYTES)
    except OSError:
        return UNAVAILABLE
    reserve.fill()  # if it was used while the disk was full
    return OK


def check_descriptors() -> str:
    """New clients are taken."""
    return UNAVAILABLE if descriptors.full() else OK


def check_redis() -> str:
    """It answers; without it delivery between processes is slower, and nothing is lost."""
    if not settings.REDIS_URL:
        return UNUSED
    try:
        _redis().ping()
    except (RedisError, OSError):
        return DEGRADED
    return OK


CHECKS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "migrations": check_migrations,
    "disk": check_disk,
    "descriptors": check_descriptors,
    "redis": check_redis,
}


@cache
def _redis() -> Redis:
    seconds = REDIS_SECONDS
    return Redis.from_url(settings.REDIS_URL, socket_timeout=seconds, socket_connect_timeout=seconds, protocol=2)


def _migrated() -> bool:
    try:
        return _migrated_once()
    except _Pending:
        return False


class _Pending(Exception):
    """Some migration is not applied yet."""


@cache
def _migrated_once() -> bool:
    # Only the happy answer is cached: migrations that are done stay done, and the walk through the graph is not cheap.
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise _Pending
    return True
