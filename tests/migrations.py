"""The models as a migration sees them."""

from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader


def apps_at(app: str, migration: str) -> Apps:
    """Return the models as they are after this migration."""
    return MigrationLoader(connection).project_state((app, migration)).apps
