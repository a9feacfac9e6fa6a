"""The models of the log belong to the app `eventlog`; their tables remain."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Changes the state of the models alone."""

    dependencies: ClassVar = [
        ("api", "0014_interval_is_membership_period"),
        ("eventlog", "0001_log_of_api"),
    ]

    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel("Event"),
                migrations.DeleteModel("StreamHead"),
                migrations.DeleteModel("Epoch"),
            ]
        )
    ]
