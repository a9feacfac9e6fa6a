"""Columns: whether another user added the member, the head at which the member hid the room, and the former slug."""

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
