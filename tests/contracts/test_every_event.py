"""A socket receives each event type of the contract at least once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.contracts.documents import asyncapi
from tests.contracts.world import Caller
from tests.fold.stories.retention import AGE_AND_PURGE
from tests.realtime.deployment import Deployment
from tests.sockets import PASSWORD, Socket


class Scene:
    """A room of Alice and Bob; a device of hers subscribes to the room and to the inbox."""

    def __init__(self, deployment: Deployment, alice: Caller, bob: Caller) -> None:
        self.deployment, self.alice, self.bob = deployment, alice, bob
        self.room = alice.make("/v1/rooms", {"kind": "private", "name": "Tea", "members": [bob.id]})["id"]
        body = {"client_id": uuid4().hex, "text": "hello"}
        self.change_message = alice.make(f"/v1/rooms/{self.room}/messages", body)
        self.message_path = f"/v1/rooms/{self.room}/messages/{self.change_message['id']}"
        self.pin_path = f"/v1/rooms/{self.room}/pins/{self.change_message['id']}"
        self.follow = f"/v1/rooms/{self.room}/threads/{self.change_message['id']}/follow"
        self.bobs = f"/v1/rooms/{self.room}/members/{bob.id}"

    def sanction(self, kind: str) -> str:
        return f"/v1/rooms/{self.room}/{kind}/{self.bob.id}"

    def lift(self, kind: str) -> None:
        """Set a ban or a mute of Bob, and lift it."""
        self.alice.make(self.sanction(kind), {}, "PUT")
        self.alice.make(self.sanction(kind), method="DELETE")

    async def connect(self) -> Socket:
        return await Socket.open(f"{self.alice.server.ws_url}/v1/ws", token=self.alice.token)

    async def listen(self) -> Socket:
        socket = await self.connect()
        for room_id in (self.room, None):
            assert (await socket.call("subscribe", room_id=room_id)).status == 200
        return socket


def change_message(scene: Scene, method: str, body: Any = None) -> None:
    scene.alice.make(f"/v1/rooms/{scene.room}/messages/{scene.change_message['id']}", body, method)


def post_message(scene: Scene) -> None:
    scene.alice.make(f"/v1/rooms/{scene.room}/messages", {"client_id": uuid4().hex, "text": "again"})


def unpin(scene: Scene) -> None:
    scene.alice.make(scene.pin_path, method="PUT")
    scene.alice.make(scene.pin_path, method="DELETE")


def reply(scene: Scene) -> int:
    body = {"client_id": uuid4().hex, "text": "a reply", "thread_root": scene.change_message["id"]}
    return int(scene.bob.make(f"/v1/rooms/{scene.room}/messages", body)["seq"])


def follow_again(scene: Scene) -> None:
    scene.alice.make(scene.follow, method="DELETE")
    scene.alice.make(scene.follow, {}, "PUT")


def read_thread(scene: Scene) -> None:
    body = {"seq": reply(scene), "thread_root": scene.change_message["id"]}
    scene.alice.make(f"/v1/rooms/{scene.room}/read", body)


def rejoin(scene: Scene) -> None:
    scene.alice.make(scene.bobs, method="DELETE")
    scene.alice.make(scene.bobs, {}, "PUT")


def unarchive(scene: Scene) -> None:
    scene.alice.make(f"/v1/rooms/{scene.room}", method="DELETE")
    scene.alice.make(f"/v1/rooms/{scene.room}/unarchive")


def be_added(scene: Scene) -> None:
    scene.bob.make("/v1/rooms", {"kind": "private", "name": "Hats", "members": [scene.alice.id]})


def be_removed(scene: Scene) -> None:
    body = {"kind": "private", "name": "Hats", "members": [scene.alice.id]}
    hats = scene.bob.make("/v1/rooms", body)["id"]
    scene.bob.make(f"/v1/rooms/{hats}/members/{scene.alice.id}", method="DELETE")


def invite_and_withdraw(scene: Scene) -> None:
    charlie = Caller(scene.alice.server, "charlie")
    charlie.close()
    for method in ("PUT", "DELETE"):
        scene.alice.make(f"/v1/rooms/{scene.room}/invites/{charlie.id}", method=method)


def be_invited(scene: Scene) -> str:
    hats: str = scene.bob.make("/v1/rooms", {"kind": "private", "name": "Hats"})["id"]
    scene.bob.make(f"/v1/rooms/{hats}/invites/{scene.alice.id}", method="PUT")
    return hats


def decline_my_invitation(scene: Scene) -> None:
    scene.alice.make(f"/v1/rooms/{be_invited(scene)}/decline")


def delete_account(scene: Scene) -> None:
    scene.bob.make("/v1/me", {"password": PASSWORD}, "DELETE")


def unblock(scene: Scene) -> None:
    for method in ("PUT", "DELETE"):
        scene.alice.make(f"/v1/me/blocks/{scene.bob.id}", method=method)


def purge_messages(scene: Scene) -> None:
    scene.alice.make(f"/v1/rooms/{scene.room}", {"retention_days": 7}, "PATCH")
    program = AGE_AND_PURGE.format(room=scene.room, seq=scene.change_message["seq"])
    scene.deployment.manage("shell", "--no-imports", "-c", program)


def append_text(scene: Scene) -> None:
    body = {"client_id": uuid4().hex, "text": "Twin", "streaming": True}
    message = scene.alice.make(f"/v1/rooms/{scene.room}/messages", body)
    part = {"offset": 4, "text": "kle"}
    scene.alice.make(f"/v1/rooms/{scene.room}/messages/{message['id']}/append", part)


CAUSES: dict[tuple[str, str], Callable[[Scene], object]] = {
    ("text.appended", "room"): append_text,
    ("room.updated", "room"): lambda at: at.alice.make(f"/v1/rooms/{at.room}", {"name": "Coffee"}, "PATCH"),
    ("invite.created", "room"): invite_and_withdraw,
    ("invite.ended", "room"): invite_and_withdraw,
    ("ban.created", "room"): lambda at: at.alice.make(at.sanction("bans"), {}, "PUT"),
    ("ban.ended", "room"): lambda at: at.lift("bans"),
    ("mute.created", "room"): lambda at: at.alice.make(at.sanction("mutes"), {}, "PUT"),
    ("mute.ended", "room"): lambda at: at.lift("mutes"),
    ("room.archived", "room"): lambda at: at.alice.make(f"/v1/rooms/{at.room}", method="DELETE"),
    ("room.unarchived", "room"): unarchive,
    ("member.joined", "room"): rejoin,
    ("member.left", "room"): lambda at: at.bob.make(f"/v1/rooms/{at.room}/leave"),
    ("member.removed", "room"): lambda at: at.alice.make(at.bobs, method="DELETE"),
    ("member.role_changed", "room"): lambda at: at.alice.make(at.bobs, {"role": "admin"}, "PUT"),
    ("message.created", "room"): post_message,
    ("message.edited", "room"): lambda at: change_message(at, "PATCH", {"text": "hi"}),
    ("message.deleted", "room"): lambda at: change_message(at, "DELETE"),
    ("reaction.changed", "room"): lambda at: at.bob.make(f"{at.message_path}/reactions/:tea:", method="PUT"),
    ("pin.added", "room"): lambda at: at.alice.make(at.pin_path, method="PUT"),
    ("pin.removed", "room"): unpin,
    ("messages.purged", "room"): purge_messages,
    ("thread.changed", "room"): reply,
    ("thread.followed", "inbox"): follow_again,
    ("thread.unfollowed", "inbox"): lambda at: at.alice.make(at.follow, method="DELETE"),
    ("thread.read", "inbox"): read_thread,
    ("draft.updated", "inbox"): lambda at: at.alice.make(f"/v1/rooms/{at.room}/draft", {"text": "so"}, "PUT"),
    ("user.erased", "room"): delete_account,
    ("room.added", "inbox"): be_added,
    ("room.removed", "inbox"): be_removed,
    ("room.invited", "inbox"): be_invited,
    ("room.uninvited", "inbox"): decline_my_invitation,
    ("room.preferred", "inbox"): lambda at: at.alice.make(f"/v1/rooms/{at.room}/me", {"hidden": True}, "PATCH"),
    ("me.updated", "inbox"): lambda at: at.alice.make("/v1/me", {"settings": {"added_by": "nobody"}}, "PATCH"),
    ("block.added", "inbox"): lambda at: at.alice.make(f"/v1/me/blocks/{at.bob.id}", method="PUT"),
    ("block.removed", "inbox"): unblock,
    ("delivered.updated", "room"): lambda at: at.bob.make("/v1/ack", {"rooms": {at.room: 2}}),
    ("read.updated", "inbox"): lambda at: at.alice.make(f"/v1/rooms/{at.room}/unread", {"seq": 1}),
    ("read.updated", "room"): lambda at: at.bob.make(f"/v1/rooms/{at.room}/read", {"seq": 2}),
}
# These have tests of their own: room.created below, the others among the tests of the socket.
ELSEWHERE = {
    *("room.created", "typing", "presence.updated", "room.synced", "room.limited", "session.expiring", "room.reset")
}


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with Deployment(["daphne"]) as deployment:
        yield deployment


@pytest.fixture
def scene(deployment: Deployment) -> Iterator[Scene]:
    alice, bob = Caller(deployment.servers[0], "alice"), Caller(deployment.servers[0], "bob")
    yield Scene(deployment, alice, bob)
    alice.close()
    bob.close()


def test_every_documented_event_type_has_a_cause() -> None:
    rows = asyncapi().document["x-event-types"]

    assert {(row["type"], row["stream"]) for row in rows if row["type"] not in ELSEWHERE} == set(CAUSES)


@pytest.mark.parametrize(("kind", "stream"), CAUSES, ids=str)
async def test_the_event_reaches_a_subscribed_socket(scene: Scene, kind: str, stream: str) -> None:
    socket = await scene.listen()

    await asyncio.to_thread(CAUSES[kind, stream], scene)

    room_id = scene.room if stream == "room" else None
    await socket.find(lambda frame: any(_matches(event, kind, room_id) for event in events_of(frame)))
    await socket.close()


async def test_room_created_is_replayed_to_a_socket_that_subscribes_from_the_start(scene: Scene) -> None:
    """No socket can subscribe before this event, because the room does not exist yet."""
    socket = await scene.connect()

    await socket.call("subscribe", room_id=scene.room, after=0)

    event = await socket.next_event("room.created", room_id=scene.room)
    assert (event["seq"], event["data"]["id"]) == (1, scene.room)
    await socket.close()


def events_of(frame: dict[str, Any]) -> list[dict[str, Any]]:
    return list(frame["data"]) if frame.get("action") == "events" else []


def _matches(event: dict[str, Any], kind: str, room_id: str | None) -> bool:
    return (event["type"], event["room_id"]) == (kind, room_id)


async def test_a_raised_epoch_resets_subscriptions(scene: Scene) -> None:
    socket = await scene.listen()
    before = (await socket.hello())["epoch"]

    await asyncio.to_thread(scene.deployment.manage, "raise_epoch")

    reset = await socket.next_event("room.reset", room_id=scene.room)
    assert reset["data"]["head"] == 2
    assert reset["data"]["epoch"] > before
    await asyncio.to_thread(post_message, scene)
    assert (await socket.until_message("again"))["seq"] == 3
    await socket.close()
