"""The column for the time of a room's newest message, beside the room's head."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("api", "0002_epoch_and_fillfactor")]

    operations = [
        migrations.AddField(
            model_name="streamhead",
            name="last_message_at",
            field=models.DateTimeField(null=True),
        ),
    ]
