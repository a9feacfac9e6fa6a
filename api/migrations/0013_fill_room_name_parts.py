"""The parts of the names and slugs of the public rooms that are there already."""

from typing import Any

from django.db import migrations

from wire import search


def fill(apps: Any, schema_editor: Any) -> None:
    Room, RoomNamePart = apps.get_model("api", "Room"), apps.get_model("api", "RoomNamePart")
    rooms = Room.objects.filter(kind="public").values_list("pk", "name", "slug")
    rows = (
        RoomNamePart(room_id=pk, part=part)
        for pk, name, slug in rooms.iterator(chunk_size=1_000)
        for part in sorted(search.parts(f"{name} {slug or ''}"))
    )
    RoomNamePart.objects.bulk_create(rows, batch_size=1_000)


class Migration(migrations.Migration):
    dependencies = [("api", "0012_fold_slugs_nfkc")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
