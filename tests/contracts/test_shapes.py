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
from api.serializers.drafts import DraftSerializer
from api.serializers.events import EventPageSerializer, EventSerializer
from api.serializers.links import LinkedRoomSerializer
from api.serializers.members import MemberSerializer
from api.serializers.message_shape import MessageSerializer
from api.serializers.messages import (
    BATCH,
    MessageAndMineSerializer,
    MessageHistorySerializer,
    PinPageSerializer,
    VersionsSerializer,
)
from api.serializers.reactions import UserReactionSerializer
from api.serializers.reads import ReadMarkerSerializer, UnreadSerializer
from api.serializers.rooms import (
    RoomMeSerializer,
    RoomSerializer,
)
from api.serializers.sync import EVENTS, SyncResultSerializer
from api.serializers.threads import FollowSerializer
from eventlog.event_types import declared_types
from tests.contracts.world import Caller, World
from tests.sockets import Socket

Shape = type[Serializer[Any]]

NOT_SAMPLED = {".inbox.limited"}  # that of a room is rendered by the same function, and takes no thousand rooms
UNUSED = (".thread",)  # of a Message: only a root has it, and not every sample has a root
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
        self.link = self.alice.make(f"{self.url}/links", {})
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
        self.alice.make(f"{self.url}/messages/{message['id']}/reactions/:tea:", method="PUT")
        for method in ("PUT", "DELETE"):
            self.alice.make(f"{self.url}/pins/{message['id']}", method=method)
        self.alice.make(f"{self.url}/messages/{message['id']}", method="DELETE")
        self.alice.make(self.url, {"name": "Coffee", "topic": "Beans"}, "PATCH")
        self.alice.make(f"{self.url}/members/{self.dora.id}", {}, "PUT")
        self.alice.make(f"{self.url}/members/{self.dora.id}", {"role": "admin"}, "PUT")
        self.alice.make(f"{self.url}/members/{self.dora.id}", method="DELETE")
        for path in ("mutes", "bans"):
            self.alice.make(f"{self.url}/members/{self.dora.id}", {}, "PUT")
            self.alice.make(f"{self.url}/{path}/{self.dora.id}", {}, "PUT")
            self.alice.make(f"{self.url}/{path}/{self.dora.id}", method="DELETE")
        self.alice.make(f"{self.url}/invites/{self.dora.id}", method="PUT")
        self.dora.make(f"{self.url}/decline")
        hats = self.dora.make("/v1/rooms", {"kind": "private", "name": "Hats"})["id"]
        self.dora.make(f"/v1/rooms/{hats}/invites/{self.bob.id}", method="PUT")
        self.bob.make(f"/v1/rooms/{hats}/decline")
        self.alice.make(self.url, method="DELETE")
        self.alice.make(f"{self.url}/unarchive", {})
        self.bob.make(f"{self.url}/me", {"hidden": True}, "PATCH")
        self.bob.make("/v1/me", {"settings": {"added_by": "nobody"}}, "PATCH")
        for method in ("PUT", "DELETE"):
            self.bob.make(f"/v1/me/blocks/{self.dora.id}", method=method)
        self._use_threads()
        asyncio.run(self._send_many())

    def _use_threads(self) -> None:
        """Leave a thread that Bob follows, a mention of him and a draft; he unfollowed another thread."""
        for _ in range(2):
            self.root = self.alice.make(f"{self.url}/messages", {"client_id": uuid4().hex, "text": "a root"})["id"]
            named = {"users": [self.bob.id], "room": True}
            body = {"client_id": uuid4().hex, "text": "reply", "thread_root": self.root, "mentions": named}
            reply = self.alice.make(f"{self.url}/messages", body)
            self.follow = f"{self.url}/threads/{self.root}/follow"
            self.bob.make(self.follow, method="DELETE")
        self.bob.make(self.follow, {}, "PUT")
        reply = self.alice.make(f"{self.url}/messages", body | {"client_id": uuid4().hex})
        self.bob.make(f"{self.url}/read", {"seq": reply["seq"], "thread_root": self.root})
        self.bob.make(f"{self.url}/draft", {"text": "so", "thread_root": self.root}, "PUT")

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
        original = _get(self.bob, f"{self.url}/messages")["results"][-1]["id"]
        body = {"client_id": uuid4().hex, "text": "", "forward": {"room_id": self.room, "message_id": original}}
        path = f"{self.url}/messages/{self.bob.make(f'{self.url}/messages', body)['id']}"
        message = self.bob.make(f"{path}/reactions/:tea:", method="PUT")
        self.alice.make(f"{self.url}/pins/{message['id']}", method="PUT")
        history = _get(self.bob, f"{self.url}/messages")
        thread = _get(self.bob, f"{self.url}/messages?thread={self.root}")
        members = _get(self.bob, f"{self.url}/members")["results"]
        pages = [_get(self.bob, f"{self.url}/events"), _get(self.bob, "/v1/me/events")]
        return {
            MessageSerializer: [message],
            MessageAndMineSerializer: [_get(self.bob, path)],
            PinPageSerializer: [_get(self.bob, f"{self.url}/pins")],
            VersionsSerializer: [_get(self.bob, f"{path}/versions")],
            UserReactionSerializer: _get(self.bob, f"{path}/reactions")["results"],
            # Only the page of a thread has a root, and only the main line has messages that use everything.
            MessageHistorySerializer: [{**history, "root": message}, thread],
            FollowSerializer: _get(self.bob, "/v1/me/threads")["results"],
            UnreadSerializer: [_get(self.bob, "/v1/me/unread")],
            DraftSerializer: _get(self.bob, "/v1/me/drafts")["results"],
            AuthorSerializer: [message["sender"]],
            UserSerializer: [members[0]["user"]],
            MemberSerializer: members,
            RoomSerializer: [_get(self.bob, f"/v1/rooms/{room}") for room in (self.room, self.direct)],
            RoomMeSerializer: [self.bob.make(f"{self.url}/me", {"hidden": True}, "PATCH")],
            EventPageSerializer: pages,
            EventSerializer: [event for page in pages for event in page["results"]],
            ReadMarkerSerializer: [self.bob.make(f"{self.url}/read", {"seq": message["seq"]})],
            LinkedRoomSerializer: [_get(self.bob, f"/v1/links/{self.link['code']}")],
            SyncResultSerializer: [self.bob.make("/v1/sync", body) for body in self.syncs],
        }

    async def _call(self) -> dict[Shape, list[Any]]:
        socket = await Socket.open(f"{self.bob.server.ws_url}/v1/ws", token=self.bob.token)
        try:
            hello = await socket.hello()
            [original] = (await socket.call("list_pins", room_id=self.room)).data["results"]
            forward = {"room_id": self.room, "message_id": original["id"]}
            body = {"client_id": uuid4().hex, "text": "last", "forward": forward}
            sent = (await socket.call("send_message", room_id=self.room, **body)).data
            ids = {"room_id": self.room, "message_id": sent["id"]}
            message = (await socket.call("react", **ids, key=":tea:", on=True)).data
            pages = [(await socket.call("get_events", room_id=room)).data for room in (self.room, None)]
            events = [event for page in pages for event in page["results"]]
            synced = [(await socket.call("sync", **body)).data for body in self.syncs]
            return {
                MessageSerializer: [message],
                MessageAndMineSerializer: [(await socket.call("get_message", **ids)).data],
                PinPageSerializer: [(await socket.call("list_pins", room_id=self.room)).data],
                VersionsSerializer: [(await socket.call("get_versions", **ids)).data],
                UserReactionSerializer: (await socket.call("list_reactions", **ids)).data["results"],
                MessageHistorySerializer: [
                    {**(await socket.call("get_messages", room_id=self.room)).data, "root": message},
                    (await socket.call("get_messages", room_id=self.room, thread=self.root)).data,
                ],
                FollowSerializer: (await socket.call("list_threads")).data["results"],
                UnreadSerializer: [(await socket.call("get_unread")).data],
                DraftSerializer: (await socket.call("list_drafts")).data["results"],
                AuthorSerializer: [message["sender"]],
                UserSerializer: [hello["user"]],
                MemberSerializer: [event["data"] for event in events if event["type"].startswith("member.")],
                RoomSerializer: [entry["room"] for entry in synced[0]["rooms"]],
                RoomMeSerializer: [(await socket.call("update_room_me", room_id=self.room, hidden=True)).data],
                EventPageSerializer: pages,
                EventSerializer: events,
                ReadMarkerSerializer: [(await socket.call("mark_unread", room_id=self.room, seq=1)).data],
                LinkedRoomSerializer: [(await socket.call("get_link", code=self.link["code"])).data],
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
        MessageAndMineSerializer,
        MessageHistorySerializer,
        PinPageSerializer,
        VersionsSerializer,
        UserReactionSerializer,
        FollowSerializer,
        UnreadSerializer,
        DraftSerializer,
        AuthorSerializer,
        UserSerializer,
        MemberSerializer,
        RoomSerializer,
        RoomMeSerializer,
        EventPageSerializer,
        EventSerializer,
        ReadMarkerSerializer,
        SyncResultSerializer,
        LinkedRoomSerializer,
    ],
)
def test_every_shape_has_the_documented_fields(samples: Samples, face: str, shape: Shape) -> None:
    comparison = Comparison()

    for sample in getattr(samples, face)[shape]:
        comparison.compare(shape(), sample)

    assert comparison.differences == set()
    left_out = UNUSED if shape is not FollowSerializer else (".thread", ".reactions[]", ".forwarded", ".sender")
    seen = {path for path in comparison.seen if not path.endswith(left_out)}
    assert seen == {path for path in nested(shape()) if not path.endswith(left_out)} - NOT_SAMPLED


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
