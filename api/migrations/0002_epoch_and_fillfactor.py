"""The row of the epoch, and room on PostgreSQL's pages for the heads, which are updated with every event."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def begin_epoch(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("api", "Epoch").objects.get_or_create(id=1)


def leave_room_for_updates(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # With half of each page free, the new version of a head fits beside the old one: no index is touched (HOT).
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE api_streamhead SET (fillfactor = 50)")


class Migration(migrations.Migration):
    dependencies = [("api", "0001_rooms_members_messages_log")]

    operations = [
        migrations.RunPython(begin_epoch, migrations.RunPython.noop),
        migrations.RunPython(leave_room_for_updates, migrations.RunPython.noop),
    ]
