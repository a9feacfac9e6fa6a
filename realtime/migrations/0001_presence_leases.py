from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="PresenceProcess",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("renewed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="PresenceChoice",
            fields=[
                ("session_id", models.UUIDField(primary_key=True, serialize=False)),
                ("user_id", models.UUIDField()),
                (
                    "activity",
                    models.CharField(
                        choices=[("active", "Active"), ("away", "Away"), ("background", "Background")], max_length=10
                    ),
                ),
                ("version", models.BigIntegerField()),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["changed_at"], name="presence_choice_by_change")],
            },
        ),
        migrations.CreateModel(
            name="PresenceLease",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("process", models.UUIDField()),
                ("user_id", models.UUIDField()),
                (
                    "state",
                    models.CharField(
                        choices=[("online", "Online"), ("away", "Away"), ("offline", "Offline")], max_length=8
                    ),
                ),
                ("since", models.DateTimeField()),
                ("version", models.BigIntegerField()),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["user_id"], name="presence_of_user"),
                    models.Index(fields=["changed_at"], name="presence_by_change"),
                ],
                "constraints": [models.UniqueConstraint(fields=("process", "user_id"), name="presence_lease_once")],
            },
        ),
    ]
