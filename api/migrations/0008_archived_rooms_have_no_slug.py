"""The slug of an archived room is free for others."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F, Q


def free_slugs(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # In the transaction of the constraint: a process of the release before may archive a room until the last moment.
    archived = apps.get_model("api", "Room").objects.filter(archived_at__isnull=False, slug__isnull=False)
    archived.update(former_slug=F("slug"), slug=None)


class Migration(migrations.Migration):
    dependencies = [("api", "0007_fill_put_by_other")]

    operations = [
        migrations.RunPython(free_slugs, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="room",
            constraint=models.CheckConstraint(
                condition=Q(slug=None) | Q(archived_at=None), name="archived_rooms_have_no_slug"
            ),
        ),
    ]
