"""Threads, mentions and drafts. Messages of older processes are in the main line."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def foreign_key(to: str, on_delete: Any = django.db.models.deletion.PROTECT, **options: Any) -> Any:
    return models.ForeignKey(on_delete=on_delete, to=to, **{"related_name": "+", "db_index": False, **options})


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0018_reactions_pins_forwards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("message", "thread_root", models.UUIDField(null=True)),
        migrations.AddField("message", "in_main_line", models.BooleanField(db_default=True, default=True)),
        migrations.AddIndex(
            "message",
            models.Index(
                fields=["room", "seq"], name="message_in_main_line", condition=models.Q(("in_main_line", True))
            ),
        ),
        migrations.AddIndex(
            "message",
            models.Index(
                fields=["thread_root", "seq"],
                name="message_in_thread",
                condition=models.Q(("thread_root__isnull", False)),
            ),
        ),
        migrations.CreateModel(
            name="Thread",
            fields=[
                (
                    "root",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="api.message",
                    ),
                ),
                ("root_seq", models.BigIntegerField()),
                ("last_seq", models.BigIntegerField()),
                ("active_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ThreadFollow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("following", models.BooleanField()),
                ("read_seq", models.BigIntegerField()),
                ("room", foreign_key("api.room")),
                ("thread", foreign_key("api.thread", related_name="follows")),
                ("user", foreign_key(settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("thread", "user"), name="thread_followed_once")],
                "indexes": [
                    models.Index(
                        fields=["user", "room"], name="threads_of_user", condition=models.Q(("following", True))
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Mention",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("target", models.UUIDField()),
                ("seq", models.BigIntegerField()),
                ("in_main_line", models.BooleanField()),
                ("created_at", models.DateTimeField()),
                ("sender", foreign_key(settings.AUTH_USER_MODEL)),
                ("message", foreign_key("api.message", db_index=True)),
                ("room", foreign_key("api.room")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("target", "room", "seq"), name="mentioned_once")],
                "indexes": [models.Index(fields=["target", "created_at", "message"], name="mentions_by_time")],
            },
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.UUIDField()),
                ("text", models.TextField()),
                ("metadata", models.JSONField(default=dict)),
                ("reply_to", models.UUIDField(null=True)),
                ("updated_at", models.DateTimeField()),
                ("room", foreign_key("api.room", django.db.models.deletion.CASCADE)),
                ("user", foreign_key(settings.AUTH_USER_MODEL, django.db.models.deletion.CASCADE)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("user", "room", "place"), name="one_draft_of_place")],
                "indexes": [models.Index(fields=["user", "updated_at", "id"], name="drafts_by_time")],
            },
        ),
    ]
