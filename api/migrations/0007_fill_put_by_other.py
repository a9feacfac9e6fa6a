"""Mark the existing members that another user added."""

from typing import Any
from uuid import UUID

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Exists, OuterRef

ROOMS = 500  # of one transaction: a send waits for the memberships of its room, and never for all of them


def fill(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Mark members whose join another user wrote to the log, and who never wrote in the room."""
    Room, Member = apps.get_model("api", "Room"), apps.get_model("api", "Member")
    joins = apps.get_model("api", "Event").objects.filter(stream=OuterRef("room_id"), seq=OuterRef("joined_seq"))
    messages = apps.get_model("api", "Message").objects.filter(room_id=OuterRef("room_id"))
    by_other = Exists(joins.filter(actor_id__isnull=False).exclude(actor_id=OuterRef("user_id")))
    wrote = Exists(messages.filter(sender_id=OuterRef("user_id")))
    last = UUID(int=0)
    while ids := list(Room.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:ROOMS]):
        members = Member.objects.filter(room_id__in=ids)
        members.filter(by_other, ~wrote, state="joined").update(put_by_other=True)
        unopened = members.filter(~Exists(messages), put_by_other=True, room__kind="direct")
        unopened.update(hidden_seq=0)
        last = ids[-1]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("api", "0006_put_by_other_hidden_and_former_slug")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
