"""The time of the newest message of the rooms that a database has already."""

from typing import Any
from uuid import UUID

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import OuterRef, Subquery

ROOMS = 500  # of one transaction: a send waits for the head of its room, and never for all of them


def fill(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Fill the rooms in order of their id. A send that comes first has set a newer time, which is kept."""
    rooms, heads = apps.get_model("api", "Room").objects, apps.get_model("api", "StreamHead").objects
    messages = apps.get_model("api", "Message").objects.filter(room=OuterRef("stream")).order_by("-seq")
    last = UUID(int=0)
    while ids := list(rooms.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:ROOMS]):
        empty = heads.filter(stream__in=ids, last_message_at=None)
        empty.update(last_message_at=Subquery(messages.values("created_at")[:1]))
        last = ids[-1]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("api", "0003_last_message_at")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
