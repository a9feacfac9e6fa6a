import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0021_mark_large_rooms"),
    ]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="kind",
            field=models.CharField(
                choices=[
                    ("erase", "Erase"),
                    ("erase_messages", "Erase Messages"),
                    ("hand_over", "Hand Over"),
                    ("finish_silent", "Finish Silent"),
                    ("purge", "Purge"),
                    ("purge_sessions", "Purge Sessions"),
                ],
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="StreamedMessage",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="api.message",
                    ),
                ),
                ("appended_at", models.DateTimeField(null=True)),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="api.room"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("appended_at__isnull", False)),
                        fields=["appended_at"],
                        name="streamed_by_silence",
                    )
                ],
            },
        ),
    ]
