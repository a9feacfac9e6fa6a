"""Mark the rooms with more than 100 members: receipts are counted there."""

from typing import Any

from django.db import migrations


def mark(apps: Any, schema_editor: Any) -> None:
    apps.get_model("api", "Room").objects.filter(member_count__gt=100).update(is_large=True)


class Migration(migrations.Migration):
    dependencies = [("api", "0020_blocks_settings_and_deliveries")]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop, elidable=True)]
