"""The time at which a room took its name, so that a page of the directory misses none that moved."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("api", "0004_fill_last_message_at")]

    operations = [
        migrations.AddField(
            model_name="room",
            name="renamed_at",
            field=models.DateTimeField(null=True),
        ),
    ]
