"""The migration that folds slugs stored before slugs were compared in NFKC."""

from importlib import import_module

from api.models import Room
from tests.api.stories import events_of, make_room
from tests.clients import Person
from tests.migrations import apps_at

fold_slugs = import_module("api.migrations.0012_fold_slugs_nfkc").fold_slugs


def kept_as(alice: Person, slug: str) -> Room:
    room = make_room(alice, kind="public")
    Room.objects.filter(pk=room["id"]).update(slug=slug)
    return Room.objects.get(pk=room["id"])


def test_it_works(alice: Person) -> None:
    wide, plain = kept_as(alice, "\uff54\uff45\uff41"), kept_as(alice, "garden")

    fold_slugs(apps_at("api", "0013_fill_room_name_parts"), None)

    wide.refresh_from_db()
    [_, event] = events_of({"id": wide.pk})
    assert (wide.slug, event["type"], event["seq"], event["data"]["slug"]) == ("tea", "room.updated", 2, "tea")
    assert set(event["data"]) == set(events_of({"id": plain.pk})[0]["data"]) - {"members"}
    assert len(events_of({"id": plain.pk})) == 1
    assert alice.patch(f"/v1/rooms/{wide.pk}", {"topic": "Green"}).status_code == 200


def test_a_taken_or_invisible_slug_is_removed(alice: Person) -> None:
    plain, wide, blank = kept_as(alice, "tea"), kept_as(alice, "\uff54\uff45\uff41"), kept_as(alice, "\u3164")

    fold_slugs(apps_at("api", "0013_fill_room_name_parts"), None)

    assert [Room.objects.get(pk=room.pk).slug for room in (plain, wide, blank)] == ["tea", None, None]
