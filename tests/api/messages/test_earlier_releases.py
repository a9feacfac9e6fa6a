"""Messages that a release before 0.2 stored, without the fields that came later."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from api.models import Message
from api.serializers.message_shape import DEFAULTS
from api.services.messages import Send, send_message
from eventlog.models import Event
from tests.api.stories import events_of, make_room
from tests.clients import Person


@pytest.fixture
def old(alice: Person) -> Message:
    """A message as it was stored then, with its event."""
    room = make_room(alice)
    send_message(session=alice.session, room_id=UUID(room["id"]), client_id="old", text="Hi")
    message = Message.objects.get(client_id="old")
    shape = {name: value for name, value in orjson.loads(message.data).items() if name not in DEFAULTS}
    del shape["sender"]["kind"]
    message.data = orjson.dumps(shape).decode()
    message.save()
    Event.objects.filter(message_id=message.pk).update(data=message.data)
    return message


def test_they_are_read_with_every_field(alice: Person, old: Message) -> None:
    url = f"/v1/rooms/{old.room_id}/messages"

    message = alice.get(f"{url}/{old.pk}").json()

    assert {name: message[name] for name in DEFAULTS} == DEFAULTS
    assert message["sender"]["kind"] == "person"
    assert alice.get(url).json()["results"] == [message]
    assert alice.get(f"/v1/rooms/{old.room_id}").json()["last_message"] == message
    assert alice.get(f"/v1/rooms/{old.room_id}/events").json()["results"][-1]["data"] == message
    retry = alice.post(url, {"client_id": "old", "text": "Hi"})
    assert (retry.status_code, retry.json()) == (200, message)
    same = Send(alice.session, old.room_id, "old", "Hi", {}, None)
    assert same.digest() == old.digest


@pytest.mark.parametrize("change", [{"method": "PATCH", "body": {"text": "Ho"}}, {"method": "DELETE"}])
def test_a_change_gives_them_every_field(alice: Person, old: Message, change: dict[str, Any]) -> None:
    alice.request(change["method"], f"/v1/rooms/{old.room_id}/messages/{old.pk}", change.get("body"))

    stored = orjson.loads(Message.objects.get(pk=old.pk).data)
    assert DEFAULTS.keys() <= stored.keys()
    assert events_of({"id": str(old.room_id)})[-1]["data"] == stored
