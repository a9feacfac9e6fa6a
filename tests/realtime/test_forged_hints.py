"""Redis is not trusted for content: messages of its other users are dropped and do not delay delivery."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgpack
import orjson
import pytest
from redis.asyncio import Redis

from tests.realtime.deployment import HAS_REDIS, ONCE, Deployment
from tests.servers import ParleyServer
from tests.sockets import Account

pytestmark = [ONCE, pytest.mark.skipif(not HAS_REDIS, reason="without Redis there is nothing to forge")]

GARBAGE = [
    b"",
    b"\xc1",
    b"\x00" * 40,
    b"not msgpack",
    msgpack.packb([1, 2]),
    msgpack.packb({"type": "hint"}),
    b"\xdc\xff\xff",
]


class Intruder:
    """Another user of the same Redis, which reads and publishes anything."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self.redis, self.prefix = redis, prefix

    async def publish(self, group: str, message: object) -> None:
        content = message if isinstance(message, bytes) else msgpack.packb(message)
        await self.redis.publish(f"{self.prefix}__group__{group}", content)


@pytest.fixture
async def intruder(deployment: Deployment) -> AsyncIterator[Intruder]:
    environment = deployment.servers[0].environment
    async with Redis.from_url(environment["REDIS_URL"], protocol=2) as redis:
        yield Intruder(redis, environment["REDIS_PREFIX"])


def forged(room: dict[str, Any], seq: int) -> dict[str, Any]:
    sender = {"id": room["id"], "username": "admin", "display_name": "admin", "avatar_url": None}
    data = {"id": room["id"], "room_id": room["id"], "seq": seq, "version": seq, "sender": sender, "text": "forged"}
    event = {"type": "message.created", "room_id": room["id"], "seq": seq, "at": "", "actor_id": None, "data": data}
    return {"type": "hint", "from": "x", "stream": room["id"], "epoch": 1, "json": [orjson.dumps(event)]}


async def test_a_forged_hint_is_dropped_and_the_real_message_is_delivered(
    alice: Account, bob: Account, intruder: Intruder, there: ParleyServer
) -> None:
    room = await alice.make_room(bob)
    far = await bob.listen(room, server=there)
    await alice.post_message(room, "first")
    await far.until_message("first")  # from here on the process receives the hints of the room

    message = forged(room, 3)
    await intruder.publish(f"stream.{room['id']}", message)
    body = orjson.dumps({**message, "json": 1}) + b"\n" + message["json"][0]
    await intruder.publish(f"stream.{room['id']}", {"type": "sealed", "mac": b"\0" * 32, "body": body})
    await alice.post_message(room, "true")

    await far.until_message("true")
    assert far.texts() == ["first", "true"]
    assert far.seqs(room["id"]) == [2, 3]


async def test_forged_typing_and_markers_are_dropped(
    alice: Account, bob: Account, intruder: Intruder, there: ParleyServer
) -> None:
    room = await alice.make_room(bob)
    far = await bob.listen(room, server=there)
    await alice.post_message(room, "first")
    await far.until_message("first")
    event = {"type": "read.updated", "room_id": room["id"], "seq": None, "at": "", "actor_id": None, "data": {}}

    group = f"stream.{room['id']}"
    await intruder.publish(
        group, {"type": "typing", "from": "x", "stream": room["id"], "user": "x", "on": True, "min": 0}
    )
    tell = {"type": "tell", "from": "x", "stream": room["id"], "min": 0, "json": orjson.dumps(event)}
    await intruder.publish(group, tell)
    await alice.post_message(room, "true")

    await far.until_message("true")
    assert {event["type"] for event in far.events} <= {"message.created", "room.synced"}


async def test_garbage_on_the_channel_layer_interrupts_nothing(
    alice: Account, bob: Account, intruder: Intruder, there: ParleyServer
) -> None:
    """The receiving loop continues on the same channel: ephemeral events could otherwise be lost."""
    room = await alice.make_room(bob)
    near, far = await alice.listen(room), await bob.listen(room, server=there)
    await alice.post_message(room, "first")
    await far.until_message("first")

    for group in (f"stream.{room['id']}", "control"):
        for garbage in GARBAGE:
            await intruder.publish(group, garbage)
    await near.call("typing", room_id=room["id"], on=True)

    assert (await far.next_event("typing"))["data"] == {"user_ids": [alice.id]}
    assert "The channel layer failed" not in there.logs
    assert "A message on the channel layer was dropped" in there.logs


async def test_a_replayed_hint_changes_nothing(
    alice: Account, bob: Account, intruder: Intruder, there: ParleyServer
) -> None:
    room = await alice.make_room(bob)
    near, far = await alice.listen(room), await bob.listen(room, server=there)
    await alice.post_message(room, "first")
    await far.until_message("first")
    seen: list[bytes] = []
    async with intruder.redis.pubsub() as pubsub:
        await pubsub.subscribe(f"{intruder.prefix}__group__stream.{room['id']}")
        await near.call("typing", room_id=room["id"], on=True)
        await alice.post_message(room, "second")
        await near.call("typing", room_id=room["id"], on=False)
        await far.until_message("second")
        async with asyncio.timeout(10):
            while len(seen) < 3:
                message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=1)
                seen += [message["data"]] if message else []

    assert (await far.next_event("typing"))["data"] == {"user_ids": [alice.id]}
    assert (await far.next_event("typing"))["data"] == {"user_ids": []}

    for content in seen:
        await intruder.publish(f"stream.{room['id']}", content)
    await alice.post_message(room, "third")

    await far.until_message("third")
    assert far.seqs(room["id"]) == [2, 3, 4]
    assert [event["data"]["user_ids"] for event in far.events if event["type"] == "typing"] == [[alice.id], []]
