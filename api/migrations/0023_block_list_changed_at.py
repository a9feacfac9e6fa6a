"""The time of the last change of a user's blocks, by which other processes find it without Redis."""

import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("api", "0022_streamed_messages")]

    operations = [
        migrations.AddField(
            "blocklist",
            "changed_at",
            models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                db_index=True,
                default=django.utils.timezone.now,
            ),
        ),
    ]
