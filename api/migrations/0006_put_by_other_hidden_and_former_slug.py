"""Columns: who put a member into a room, up to where a member hid it, and the slug that an archived room had."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("api", "0005_room_renamed_at")]

    operations = [
        migrations.AddField(
            model_name="member",
            name="put_by_other",
            field=models.BooleanField(default=False, db_default=False),
        ),
        migrations.AddField(
            model_name="member",
            name="hidden_seq",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="room",
            name="former_slug",
            field=models.CharField(max_length=64, null=True),
        ),
    ]
