"""Two probes: /livez says that the process answers, /readyz that it can do its work."""

from functools import cache

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """200 as long as the process serves; it asks nobody else, so that a database's illness restarts no server."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and every migration is applied, else 503 and the reason."""
    if getattr(request, "scope", {}).get("extensions", {}).get("parley", {}).get("draining"):
        # On a connection that was open before SIGTERM; a proxy sends no more once it reads this.
        return JsonResponse({"status": "unavailable", "reason": "draining"}, status=503)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        migrated = _migrated()
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "reason": "database"}, status=503)
    if not migrated:
        return JsonResponse({"status": "unavailable", "reason": "migrations"}, status=503)
    return JsonResponse({"status": "ok"})


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
