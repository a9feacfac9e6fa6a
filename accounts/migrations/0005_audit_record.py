"""The table of the audit."""

import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_drop_search_name")]

    operations = [
        migrations.CreateModel(
            name="AuditRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("actor", models.CharField(max_length=64)),
                ("on_behalf_of", models.UUIDField(null=True)),
                ("action", models.CharField(max_length=64)),
                ("target_type", models.CharField(max_length=32)),
                ("target_id", models.CharField(max_length=64)),
                ("room_id", models.UUIDField(null=True)),
                ("reason", models.CharField(default="", max_length=500)),
                ("at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["at", "id"], name="audit_by_time"),
                    models.Index(fields=["target_type", "target_id", "at"], name="audit_by_target"),
                ],
            },
        ),
    ]
