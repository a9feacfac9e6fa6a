"""Two probes: /livez tests whether the process responds, /readyz whether each part that it needs works."""

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from accounts import reserve
from wire import descriptors, outages
from wire.client_address import forwarding_fault

if TYPE_CHECKING:
    from redis import Redis

OK, DEGRADED, UNAVAILABLE, UNUSED = "ok", "degraded", "unavailable", "unused"
PROBE_BYTES = 64 * 1024  # the space of a message of the largest size in SQLite's write-ahead log
DISK_SECONDS = 60.0  # after a write that failed on PostgreSQL's full disk
REDIS_SECONDS = 1.0
CHECKS_SECONDS = 2.5  # for all checks, shorter than the 3 s that compose.yaml's probes wait


@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """Return 200 while the process responds. It tests nothing else: a failing database must not restart servers."""
    return JsonResponse({"status": OK})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Return 200 when the process can accept and store messages, else 503; `reason` is the first failing part.

    The status `degraded` has 200 too: without Redis, events arrive about a second later, and while PostgreSQL's disk is
    full, reading works. The header Parley-Forwarded-For has the `forwarding_fault` of this request, for the doctor.
    """
    if getattr(request, "scope", {}).get("extensions", {}).get("parley", {}).get("draining"):
        # A proxy reads this on a connection from before SIGTERM, and then sends no more requests.
        return JsonResponse({"status": UNAVAILABLE, "reason": "draining"}, status=503)
    parts = _checks.states()
    fault = forwarding_fault(request)
    headers = {} if fault is None else {"Parley-Forwarded-For": fault}
    for status, code in ((UNAVAILABLE, 503), (DEGRADED, 200)):
        if failed := [name for name, state in parts.items() if state == status]:
            return JsonResponse({"status": status, "reason": failed[0], "parts": parts}, status=code, headers=headers)
    return JsonResponse({"status": OK, "parts": parts}, headers=headers)


def check_database() -> str:
    """Test whether the database responds; PostgreSQL must also accept writes (a standby does not)."""
    is_postgres = connection.vendor == "postgresql"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')" if is_postgres else "SELECT 'off'")
            return UNAVAILABLE if cursor.fetchone() == ("on",) else OK
    except DatabaseError:
        return UNAVAILABLE


def check_migrations() -> str:
    """Test whether all migrations are applied."""
    global _is_migrated
    try:
        if not _is_migrated:
            executor = MigrationExecutor(connection)
            _is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return UNAVAILABLE
    return OK if _is_migrated else UNAVAILABLE


_is_migrated = False  # once true it remains true: the plan is not cheap, and applied migrations stay applied


def check_disk() -> str:
    """Test whether SQLite's folder has space and is writable.

    The disk of PostgreSQL cannot be tested from here: it is `degraded` for DISK_SECONDS after a write of this process
    failed on it. Other processes know only of their own writes.
    """
    if connection.vendor != "sqlite":
        return DEGRADED if outages.failed_within("disk", DISK_SECONDS) else UNUSED
    try:
        with tempfile.TemporaryFile(dir=Path(settings.DATABASES["default"]["NAME"]).parent) as probe:
            os.posix_fallocate(probe.fileno(), 0, PROBE_BYTES)
    except OSError:
        return UNAVAILABLE
    reserve.fill()  # in case it was used while the disk was full
    return OK


def check_descriptors() -> str:
    """Test whether new clients are accepted."""
    return UNAVAILABLE if descriptors.full() else OK


def check_redis() -> str:
    """Test whether Redis responds. Without it, delivery between processes is slower, and nothing is lost."""
    if not settings.REDIS_URL:
        return UNUSED
    from redis import RedisError  # its import takes half a second, which a process without Redis saves

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


class Checks:
    """Runs the checks on one thread: probes that come together share a round, and a check that hangs runs once.

    Else every probe would block one more request thread while the database is frozen.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="probe")
        self._lock = Lock()
        self._round: Future[None] | None = None
        self._states: dict[str, str] = {}  # of the current round, in the order of its checks

    def states(self) -> dict[str, str]:
        """Return the state of each part; that of a part whose check does not end in time is `unavailable`."""
        with self._lock:
            if self._round is None or self._round.done():
                self._states = {}
                self._round = self._thread.submit(self._run, self._states)
            running, states = self._round, self._states
        with suppress(TimeoutError):
            running.result(CHECKS_SECONDS)
        known = dict(states)
        return {name: known.get(name, UNAVAILABLE) for name in CHECKS}

    def _run(self, states: dict[str, str]) -> None:
        try:
            # The database last: a check that hangs keeps back those behind it.
            for name in sorted(CHECKS, key=lambda name: name in {"database", "migrations"}):
                states[name] = CHECKS[name]()
        finally:
            connections.close_all()


_checks = Checks()


@cache
def _redis() -> "Redis":
    from redis import Redis

    seconds = REDIS_SECONDS
    return Redis.from_url(settings.REDIS_URL, socket_timeout=seconds, socket_connect_timeout=seconds, protocol=2)
