"""The retention of rooms, and jobs that belong to no user. Rows of older processes keep their defaults."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0015_log_moves_to_eventlog"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("room", "retention_days", models.PositiveIntegerField(null=True)),
        migrations.AddField("room", "purged_before_seq", models.BigIntegerField(db_default=0, default=0)),
        migrations.AddField("room", "purged_seq", models.BigIntegerField(db_default=0, default=0)),
        migrations.AddIndex(
            "room",
            models.Index(
                fields=["id"], name="rooms_with_retention", condition=models.Q(("retention_days__isnull", False))
            ),
        ),
        migrations.AlterField(
            "job",
            "user",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            "job",
            "kind",
            models.CharField(
                choices=[
                    ("erase", "Erase"),
                    ("erase_messages", "Erase Messages"),
                    ("hand_over", "Hand Over"),
                    ("purge", "Purge"),
                    ("purge_sessions", "Purge Sessions"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            "job",
            models.UniqueConstraint(fields=["kind"], condition=models.Q(("user", None)), name="job_of_no_user_once"),
        ),
    ]
