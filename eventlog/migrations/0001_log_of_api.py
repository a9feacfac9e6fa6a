"""Takes the log over from the app `api`: the models move, the tables, their constraints and their rows remain."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Changes the state of the models alone. `api` has created the tables and drops its models in a later migration."""

    initial = True

    dependencies: ClassVar = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("api", "0014_interval_is_membership_period"),
    ]

    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Epoch",
                    fields=[
                        ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                        ("value", models.PositiveIntegerField(default=1)),
                    ],
                    options={
                        "db_table": "api_epoch",
                        "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="epoch_is_one_row")],
                    },
                ),
                migrations.CreateModel(
                    name="StreamHead",
                    fields=[
                        ("stream", models.UUIDField(primary_key=True, serialize=False)),
                        ("last_seq", models.BigIntegerField(default=0)),
                        ("last_at", models.DateTimeField(null=True)),
                        ("last_message_at", models.DateTimeField(null=True)),
                    ],
                    options={"db_table": "api_streamhead"},
                ),
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "stream", "seq", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("stream", models.UUIDField()),
                        ("seq", models.BigIntegerField()),
                        ("type", models.CharField(max_length=32)),
                        ("message_id", models.UUIDField(null=True)),
                        ("data", models.TextField()),
                        ("at", models.DateTimeField()),
                        (
                            "actor",
                            models.ForeignKey(
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "api_event",
                        "indexes": [
                            models.Index(
                                condition=models.Q(("message_id__isnull", False)),
                                fields=["message_id"],
                                name="event_by_message",
                            )
                        ],
                    },
                ),
            ]
        )
    ]
