"""A job for each account that was deleted before jobs existed: its name is still in messages and log."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone


def add_jobs(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    deleted = apps.get_model("accounts", "User").objects.filter(deleted_at__isnull=False)
    Job = apps.get_model("api", "Job")
    now = timezone.now()
    jobs = (Job(kind="erase", user_id=user_id, due_at=now) for user_id in deleted.values_list("pk", flat=True))
    Job.objects.bulk_create(jobs, batch_size=1_000, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_users_and_sessions"), ("api", "0009_jobs")]

    operations = [migrations.RunPython(add_jobs, migrations.RunPython.noop)]
