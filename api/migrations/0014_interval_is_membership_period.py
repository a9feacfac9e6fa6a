"""The model Interval is called MembershipPeriod; its table and constraints keep their names."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Changes the state of the models alone."""

    dependencies: ClassVar = [("api", "0013_fill_room_name_parts")]

    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("Interval", "MembershipPeriod"),
                migrations.AlterModelTable("membershipperiod", "api_interval"),
                migrations.AlterField(
                    "membershipperiod",
                    "room",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="membership_periods",
                        to="api.room",
                    ),
                ),
            ]
        )
    ]
