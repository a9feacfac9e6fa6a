"""Shapes: what the server renders has exactly the fields of the serializer that documents it, on REST and the socket.

The serializers are not used for rendering, so nothing else keeps the two equal. Each comparison goes down into nested
shapes, and the samples are chosen so that no nested shape is null in all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.fields import Field
from rest_framework.serializers import ListSerializer, Serializer

from accounts.serializers import UserSerializer
from api.serializers.authors import AuthorSerializer
from api.serializers.events import EventPageSerializer, EventSerializer
from api.serializers.members import MemberSerializer
from api.serializers.message_shape import MessageSerializer
from api.serializers.messages import BATCH, MessageHistorySerializer
from api.serializers.reads import ReadMarkerSerializer
from api.serializers.rooms import (
    RoomMeSerializer,
    RoomSerializer,
)
from api.serializers.sync import EVENTS, SyncResultSerializer
from eventlog.event_types import declared_types
from tests.contracts.world import Caller, World
from tests.sockets import Socket

Shape = type[Serializer[Any]]

NOT_SAMPLED = {".inbox.limited"}  # that of a room is rendered by the same function, and takes no thousand rooms
UNUSED = (".reactions[]", ".thread", ".forwarded", ".forwarded.sender")  # of a Message: nothing fills them yet
# The data of read.updated has more fields in an inbox than in a room; user.erased and messages.purged are written by
# background jobs. They are compared with the contract where they are caused.
EVENT_DATA: dict[str, Shape] = {
    event_type.name: event_type.data
    for event_type in declared_types()
    if event_type.durable and event_type.name not in ("read.updated", "user.erased", "messages.purged")
}


@dataclass
class Comparison:
    """A comparison of samples with one shape: the differences, and the nested shapes that some sample has."""

    differences: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    def compare(self, shape: Field[Any, Any, Any, Any] | None, sample: Any, path: str = "") -> None:
        """Compare a sample, and what is nested in it."""
        if isinstance(shape, ListSerializer):
            for item in sample or ():
                self.compare(shape.child, item, f"{path}[]")
        elif isinstance(shape, Serializer) and sample is not None:
            self.seen.add(path)
            self.differences |= {f"{path}.{name}" for name in shape.fields.keys() ^ sample.keys()}
            for name in shape.fields.keys() & sample.keys():
                self.compare(shape.fields[name], sample[name], f"{path}.{name}")


def nested(shape: Field[Any, Any, Any, Any] | None, path: str = "") -> Iterator[str]:
    """Yield the path of a shape and of each shape within it."""
    if isinstance(shape, ListSerializer):
        yield from nested(shape.child, f"{path}[]")
    elif isinstance(shape, Serializer):
        yield path
        for name, part in shape.fields.items():
            yield from nested(part, f"{path}.{name}")


class Samples:
    """The answers of REST and of the socket, by shape, after every kind of durable event in a room."""

    def __init__(self, world: World) -> None:
        self.alice, self.bob, self.dora = world.alice, world.bob, world.newcomer("dora")
        self.direct, self.public = world.rooms["direct"].id, world.rooms["public"].id
        self.left = self.alice.make("/v1/rooms", {"kind": "private", "name": "Hats", "members": [self.bob.id]})["id"]
        self.bob.make(f"/v1/rooms/{self.left}/leave")
        self.room = world.rooms["private"].id
        self.url = f"/v1/rooms/{self.room}"
        self._change_everything()
        self.syncs: list[Any] = [
            {},
            {
                "rooms": {self.room: 1, self.public: 1, self.left: 1},
                "inbox": 0,
            },  # the first is limited
        ]
        self.rest = self._read()
        self.socket = asyncio.run(self._call())

    def _change_everything(self) -> None:
        message = self.alice.make(f"{self.url}/messages", {"client_id": uuid4().hex, "text": "first"})
        self.alice.make(f"{self.url}/messages/{message['id']}", {"text": "second"}, "PATCH")
        self.alice.make(f"{self.url}/messages/{message['id']}", method="DELETE")
        self.alice.make(self.url, {"name": "Coffee", "topic": "Beans"}, "PATCH")
        self.alice.make(f"{self.url}/members/{self.dora.id}", {}, "PUT")
        self.alice.make(f"{self.url}/members/{self.dora.id}", {"role": "admin"}, "PUT")
        self.alice.make(f"{self.url}/members/{self.dora.id}", method="DELETE")
        self.alice.make(self.url, method="DELETE")
        self.alice.make(f"{self.url}/unarchive", {})
        self.bob.make(f"{self.url}/me", {"hidden": True}, "PATCH")
        asyncio.run(self._send_many())

    async def _send_many(self) -> None:
        """Send more messages than a sync answers."""
        socket = await Socket.open(f"{self.alice.server.ws_url}/v1/ws", token=self.alice.token)
        try:
            for _ in range(EVENTS // BATCH + 1):
                items = [{"client_id": uuid4().hex, "text": "again"} for _ in range(BATCH)]
                assert (await socket.call("send_messages", room_id=self.room, items=items)).status == 200
        finally:
            await socket.close()

    def _read(self) -> dict[Shape, list[Any]]:
        history = _get(self.bob, f"{self.url}/messages")
        message = _get(self.bob, f"{self.url}/messages/{history['results'][-1]['id']}")
        members = _get(self.bob, f"{self.url}/members")["results"]
        pages = [_get(self.bob, f"{self.url}/events"), _get(self.bob, "/v1/me/events")]
        return {
            MessageSerializer: [message],
            MessageHistorySerializer: [history],
            AuthorSerializer: [message["sender"]],
            UserSerializer: [members[0]["user"]],
            MemberSerializer: members,
            RoomSerializer: [_get(self.bob, f"/v1/rooms/{room}") for room in (self.room, self.direct)],
            RoomMeSerializer: [self.bob.make(f"{self.url}/me", {"hidden": True}, "PATCH")],
            EventPageSerializer: pages,
            EventSerializer: [event for page in pages for event in page["results"]],
            ReadMarkerSerializer: [self.bob.make(f"{self.url}/read", {"seq": message["seq"]})],
            SyncResultSerializer: [self.bob.make("/v1/sync", body) for body in self.syncs],
        }

    async def _call(self) -> dict[Shape, list[Any]]:
        socket = await Socket.open(f"{self.bob.server.ws_url}/v1/ws", token=self.bob.token)
        try:
            hello = await socket.hello()
            message = (await socket.call("send_message", room_id=self.room, client_id=uuid4().hex, text="last")).data
            pages = [(await socket.call("get_events", room_id=room)).data for room in (self.room, None)]
            events = [event for page in pages for event in page["results"]]
            synced = [(await socket.call("sync", **body)).data for body in self.syncs]
            return {
                MessageSerializer: [message],
                MessageHistorySerializer: [(await socket.call("get_messages", room_id=self.room)).data],
                AuthorSerializer: [message["sender"]],
                UserSerializer: [hello["user"]],
                MemberSerializer: [event["data"] for event in events if event["type"].startswith("member.")],
                RoomSerializer: [entry["room"] for entry in synced[0]["rooms"]],
                RoomMeSerializer: [(await socket.call("update_room_me", room_id=self.room, hidden=True)).data],
                EventPageSerializer: pages,
                EventSerializer: events,
                ReadMarkerSerializer: [(await socket.call("mark_unread", room_id=self.room, seq=1)).data],
                SyncResultSerializer: synced,
            }
        finally:
            await socket.close()


def _get(caller: Caller, path: str) -> Any:
    return caller.make(path, method="GET")


@pytest.fixture(scope="module")
def samples(world: World) -> Samples:
    return Samples(world)


@pytest.mark.parametrize("face", ["rest", "socket"])
@pytest.mark.parametrize(
    "shape",
    [
        MessageSerializer,
        MessageHistorySerializer,
        AuthorSerializer,
        UserSerializer,
        MemberSerializer,
        RoomSerializer,
        RoomMeSerializer,
        EventPageSerializer,
        EventSerializer,
        ReadMarkerSerializer,
        SyncResultSerializer,
    ],
)
def test_every_shape_has_the_documented_fields(samples: Samples, face: str, shape: Shape) -> None:
    comparison = Comparison()

    for sample in getattr(samples, face)[shape]:
        comparison.compare(shape(), sample)

    assert comparison.differences == set()
    assert comparison.seen == {path for path in nested(shape()) if not path.endswith(UNUSED)} - NOT_SAMPLED


@pytest.mark.parametrize("face", ["rest", "socket"])
@pytest.mark.parametrize("event_type", EVENT_DATA)
def test_the_data_of_an_event_has_the_documented_fields(samples: Samples, face: str, event_type: str) -> None:
    comparison = Comparison()
    shape = EVENT_DATA[event_type]()

    for event in getattr(samples, face)[EventSerializer]:
        if event["type"] == event_type:
            comparison.compare(shape, event["data"])

    assert comparison.differences == set()
    assert "" in comparison.seen


def test_the_comparison_finds_a_field_in_a_nested_shape() -> None:
    message = dict.fromkeys(MessageSerializer().fields) | {"sender": {"id": "1", "email": "a@b.example"}}
    comparison = Comparison()

    comparison.compare(MessageSerializer(), message)

    assert comparison.differences == {
        ".sender.email",
        ".sender.username",
        ".sender.display_name",
        ".sender.avatar_url",
        ".sender.kind",
    }
