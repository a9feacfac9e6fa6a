"""Slugs are compared in NFKC from here on: one that was kept in another form gets the new one, if that is free.

A slug that is taken, or that has an invisible character, is removed: no client could name it any more. Members receive
a room.updated event, as after any other change.
"""

import unicodedata
from typing import Any

import orjson
from django.db import migrations
from django.utils import timezone

from wire.characters import has_invisible
from wire.times import format_time


def fold_slugs(apps: Any, schema_editor: Any) -> None:
    Room = apps.get_model("api", "Room")
    for room in Room.objects.exclude(former_slug=None).iterator():  # archived: it is needed when the room is unarchived
        slug = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", room.former_slug).casefold())
        if slug != room.former_slug or has_invisible(slug):
            room.former_slug = None if has_invisible(slug) or len(slug) > 64 else slug
            room.save(update_fields=["former_slug"])
    rooms = list(Room.objects.exclude(slug=None).order_by("pk"))
    taken = {room.slug for room in rooms}
    for room in rooms:
        slug = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", room.slug).casefold())
        if slug == room.slug and not has_invisible(slug):
            continue
        room.slug = None if has_invisible(slug) or len(slug) > 64 or slug in taken else slug
        taken.add(room.slug)
        room.save(update_fields=["slug"])
        _record_update(apps, room)


def _record_update(apps: Any, room: Any) -> None:
    StreamHead, Event, Epoch = (apps.get_model("api", name) for name in ("StreamHead", "Event", "Epoch"))
    head = StreamHead.objects.select_for_update().get(stream=room.pk)
    head.last_seq, head.last_at = head.last_seq + 1, max(timezone.now(), head.last_at or timezone.now())
    head.save(update_fields=["last_seq", "last_at"])
    epoch = Epoch.objects.first()
    data = {
        "id": str(room.pk),
        "kind": room.kind,
        "name": room.name,
        "slug": room.slug,
        "topic": room.topic,
        "metadata": room.metadata,
        "history": room.history,
        "epoch": epoch.value if epoch else 1,
        "created_at": format_time(room.created_at),
        "archived_at": format_time(room.archived_at) if room.archived_at else None,
    }
    event = Event(stream=room.pk, seq=head.last_seq, type="room.updated", data=orjson.dumps(data).decode())
    event.at = head.last_at
    event.save(force_insert=True)


class Migration(migrations.Migration):
    dependencies = [("api", "0011_room_name_parts")]

    operations = [migrations.RunPython(fold_slugs, migrations.RunPython.noop)]
