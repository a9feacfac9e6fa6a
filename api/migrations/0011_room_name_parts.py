"""The parts of names by which the directory finds rooms."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("api", "0010_erase_accounts_deleted_earlier")]

    operations = [
        migrations.CreateModel(
            name="RoomNamePart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("part", models.BinaryField(max_length=256)),
                (
                    "room",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="api.room"),
                ),
            ],
            options={"indexes": [models.Index(fields=["part", "room"], name="rooms_by_name_part")]},
        ),
    ]
