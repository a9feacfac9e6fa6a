"""The migration that fills StreamHead.last_message_at"""

from importlib import import_module

from django.db import connection

from eventlog.models import StreamHead
from tests.api.stories import make_room, post_message
from tests.clients import Person
from tests.migrations import apps_at

fill = import_module("api.migrations.0004_fill_last_message_at").fill


def test_each_room_gets_the_time_of_its_newest_message(alice: Person) -> None:
    used, silent = make_room(alice), make_room(alice)
    post_message(alice, used, "first")
    newest = post_message(alice, used, "second")
    alice.delete(f"/v1/rooms/{used['id']}/messages/{newest['id']}")
    StreamHead.objects.update(last_message_at=None)

    fill(apps_at("api", "0004_fill_last_message_at"), connection.schema_editor())

    rooms = {room["id"]: room["last_message_at"] for room in alice.get("/v1/rooms").json()["results"]}
    assert rooms == {used["id"]: newest["created_at"], silent["id"]: None}
    assert not StreamHead.objects.filter(stream=alice.user.id).exclude(last_message_at=None).exists()


def test_existing_times_are_not_changed(alice: Person) -> None:
    room = make_room(alice)
    message = post_message(alice, room, "hello")

    fill(apps_at("api", "0004_fill_last_message_at"), connection.schema_editor())

    assert alice.get(f"/v1/rooms/{room['id']}").json()["last_message_at"] == message["created_at"]
