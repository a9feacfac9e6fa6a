"""One long conversation that uses every feature: in the end all devices equal what REST shows.

Alice has a phone with a socket and a laptop that polls; Bob has a phone that is offline for a while. REST and the
socket take turns.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from tests.fold.devices import Listener, Poller, listen_by_sync
from tests.fold.snapshots import read_snapshot
from tests.fold.state import JSON, differences, view_snapshot
from tests.fold.world import new_message
from tests.realtime.deployment import ONCE
from tests.sockets import PASSWORD, Account, Socket

THUMB = "%F0%9F%91%8D"
LATER = "2090-01-01T00:00:00.000Z"


@dataclass
class Conversation:
    """Two users, their devices, the room in which most of it happens, and a direct room."""

    alice: Account
    bob: Account
    phone: Listener
    laptop: Poller
    tablet: Listener
    room: JSON
    direct: JSON

    @property
    def path(self) -> str:
        return f"/v1/rooms/{self.room['id']}"

    async def rest(self, who: Account, call: str, body: object = None, *, status: int = 0, **query: Any) -> Any:
        """Send a request, whose path begins in the room; it succeeds, or is refused with this status."""
        method, _, path = call.partition(" ")
        path = f"/v1{path}" if path.startswith("/") else f"{self.path}/{path}".rstrip("/")
        response = await who.request(method, path, body, params=query or None)
        assert response.status_code == status if status else response.status_code < 300, response.text
        return response.json() if response.content else None

    async def act(self, device: Listener, action: str, **body: Any) -> Any:
        """Perform an action, in the room if it names no other; None: it names no room."""
        fields = {"room_id": self.room["id"], **body}
        reply = await device.socket.call(action, **{name: value for name, value in fields.items() if value is not None})
        assert reply.status < 300, reply.frame
        return reply.data

    async def send(self, who: Account | Listener, text: str, **more: Any) -> JSON:
        """Send a message, by REST or on the socket of a device."""
        body = new_message(text, **more)
        if isinstance(who, Listener):
            sent: JSON = await self.act(who, "send_message", **body)
        else:
            sent = await self.rest(who, "POST messages", body)
        return sent

    async def settle(self) -> None:
        """Let the devices of Alice catch up: one that loads a room must not do so while it changes."""
        after = await read_snapshot(self.alice)
        await asyncio.gather(self.phone.catch_up(after), self.laptop.catch_up(after))

    async def check(self, *devices: Listener | Poller) -> None:
        """Check that devices have what REST shows to their users."""
        for device in devices:
            after = await read_snapshot(device.viewer)
            await device.catch_up(after)
            assert differences(device.state.view(), view_snapshot(after)) == [], device.way


@ONCE
async def test_all_devices_end_with_what_rest_shows(alice: Account, bob: Account) -> None:
    laptop = Poller(await alice.another_device(), await read_snapshot(alice))
    polling = asyncio.create_task(laptop.follow())
    phone = await listen_by_sync(alice, await read_snapshot(alice), await alice.connect())
    tablet = await listen_by_sync(bob, await read_snapshot(bob), await bob.connect())
    try:
        both = await meet(phone, laptop, tablet)
        for chapter in (look_after_each_other, talk, answer_in_threads, quote):
            await chapter(both)
        await tablet.take()
        await tablet.socket.cut()
        open_stream = await go_on_without_bob(both)
        await arrange_the_room(both)
        await tablet.come_back(await bob.connect())
        await both.check(tablet)
        for chapter in (confirm, keep_the_rules, hand_over, leave_and_return, block):
            await chapter(both)
        await both.rest(alice, f"POST messages/{open_stream['id']}/finish", {"text": "And so on."})
        await both.check(phone, laptop, tablet)

        await forget_bob(both)

        await both.check(phone, laptop)
    finally:
        polling.cancel()


async def meet(phone: Listener, laptop: Poller, tablet: Listener) -> Conversation:
    """Alice makes a room and invites Bob, who declines first."""
    alice, bob = phone.viewer, tablet.viewer
    room = await alice.make_room(kind="private", history="shared")
    both = Conversation(alice, bob, phone, laptop, tablet, room, {})
    await both.rest(alice, f"PUT invites/{bob.id}")
    assert (await tablet.socket.next_event("room.invited"))["data"]["room"]["id"] == room["id"]
    await both.rest(bob, "POST decline")
    await both.act(phone, "put_invite", user_id=bob.id)
    await both.rest(alice, f"DELETE invites/{bob.id}")
    await both.rest(alice, f"PUT invites/{bob.id}")
    [invite] = (await both.rest(bob, "GET /me/invites"))["results"]
    await both.rest(bob, "GET messages", status=403)
    await both.act(tablet, "join_room")
    both.direct = (await alice.put(f"/v1/rooms/direct/{bob.id}")).json()
    await both.settle()

    assert invite["invited_by"]["id"] == alice.id
    assert (await both.rest(bob, "GET /me/invites"))["results"] == []
    return both


async def look_after_each_other(both: Conversation) -> None:
    """They watch the presence of each other, and change their settings and their view of the room."""
    [seen] = (await both.act(both.phone, "watch_presence", room_id=None, user_ids=[both.bob.id]))["states"]
    await both.act(both.tablet, "set_presence", room_id=None, state="away")
    await until_state(both.phone.socket, "away")
    await both.rest(both.bob, "PUT /presence", {"state": "active"})
    await until_state(both.phone.socket, "online")
    polling = await both.rest(both.bob, "POST /presence/watch", {"user_ids": [both.alice.id]})
    await both.rest(both.alice, "PATCH /me", {"settings": {"added_by": "nobody"}})
    await both.act(both.phone, "update_me", room_id=None, settings={"added_by": "anyone"})
    await both.rest(both.bob, "PATCH me", {"notify": "mentions", "pinned": True, "snoozed_until": LATER})
    await both.act(both.phone, "update_room_me", room_id=both.direct["id"], hidden=True)

    assert (seen["state"], polling["states"][0]["state"]) == ("online", "online")


async def until_state(socket: Socket, state: str) -> None:
    """Wait for a presence.updated with this state."""
    while (await socket.next_event("presence.updated"))["data"]["state"] != state:
        pass


async def talk(both: Conversation) -> None:
    """Messages are sent, edited, deleted, pinned and named; each gets reactions from both."""
    hello = await both.send(both.bob, "Hello")
    there = await both.send(both.phone, "Hello there", mentions={"users": [both.bob.id]})
    for who in (both.alice, both.bob):
        await both.rest(who, f"PUT messages/{hello['id']}/reactions/{THUMB}")
        await both.rest(who, f"PUT messages/{hello['id']}/reactions/:tea:")
    await both.act(both.tablet, "react", message_id=there["id"], key="\u2764", on=True)
    await both.act(both.tablet, "react", message_id=there["id"], key=":tea:", on=True)
    await both.act(both.tablet, "react", message_id=there["id"], key=":tea:", on=False)
    await both.rest(both.alice, f"DELETE messages/{hello['id']}/reactions/{THUMB}")
    await both.rest(both.bob, f"PATCH messages/{hello['id']}", {"text": "Hello!"})
    await both.act(both.phone, "pin_message", message_id=hello["id"])
    await both.rest(both.alice, f"PUT pins/{there['id']}")
    await both.act(both.phone, "unpin_message", message_id=there["id"])
    gone = await both.send(both.alice, "Never mind", mentions={"room": True})
    await both.rest(both.bob, f"PUT messages/{gone['id']}/reactions/:cake:")
    await both.rest(both.alice, f"PUT pins/{gone['id']}")
    await both.act(both.phone, "delete_message", message_id=gone["id"])

    versions = (await both.rest(both.alice, f"GET messages/{hello['id']}/versions"))["results"]
    assert [version["text"] for version in versions] == ["Hello", "Hello!"]
    users = (await both.rest(both.bob, f"GET messages/{hello['id']}/reactions", key=":tea:"))["results"]
    assert [row["user"]["id"] for row in users] == [both.alice.id, both.bob.id]
    named = (await both.act(both.tablet, "list_mentions", room_id=None))["results"]
    assert [message["id"] for message in named] == [there["id"]]


async def answer_in_threads(both: Conversation) -> None:
    """They answer in two threads, follow, no longer follow and read them, and draft an answer."""
    roots = [await both.send(both.alice, "Tea?"), await both.send(both.bob, "Cake?")]
    first = await both.send(both.bob, "Please", thread_root=roots[0]["id"])
    await both.send(both.phone, "Both", thread_root=roots[0]["id"], in_room=True)
    await both.act(both.phone, "follow_thread", thread_root=roots[1]["id"])
    for text in ("Anybody?", "Hello?"):
        await both.send(both.tablet, text, thread_root=roots[1]["id"])
    await both.rest(both.bob, f"DELETE threads/{roots[0]['id']}/follow")
    await both.send(both.alice, "With milk?", thread_root=roots[0]["id"])
    await both.send(both.alice, "Bob?", thread_root=roots[0]["id"], mentions={"users": [both.bob.id]})
    await both.rest(both.bob, "POST read", {"seq": first["seq"] + 1, "thread_root": roots[0]["id"]})
    await both.rest(both.bob, f"DELETE messages/{first['id']}")
    draft = {"text": "No, thank", "thread_root": roots[1]["id"]}
    await both.rest(both.laptop.viewer, "PUT draft", draft)
    seen = await both.phone.socket.next_event("draft.updated")
    await both.act(both.phone, "put_draft", text="Later")
    [later, of_thread] = (await both.rest(both.alice, "GET /me/drafts"))["results"]
    await both.act(both.phone, "delete_draft")

    assert (seen["data"]["text"], of_thread["text"], later["text"]) == ("No, thank", "No, thank", "Later")
    threads = (await both.rest(both.bob, "GET /me/threads", unread="true"))["results"]
    assert [(thread["root"]["id"], thread["unread"]) for thread in threads] == [(roots[0]["id"], 1)]


async def quote(both: Conversation) -> None:
    """They forward a message to their direct room, and reply to it there; its sender deletes the original."""
    original = await both.send(both.bob, "Less tea")
    forward = {"room_id": both.room["id"], "message_id": original["id"]}
    there = f"/rooms/{both.direct['id']}"
    quoted = await both.rest(both.alice, f"POST {there}/messages", new_message("", forward=forward))
    await both.act(both.tablet, "send_message", room_id=both.direct["id"], **new_message("I?", reply_to=quoted["id"]))
    await both.rest(both.bob, f"DELETE messages/{original['id']}")

    assert (await both.rest(both.bob, f"GET {there}/messages/{quoted['id']}"))["forwarded"]["text"] == "Less tea"


async def go_on_without_bob(both: Conversation) -> JSON:
    """Alice changes what Bob knows, and streams two texts; the second one is not finished when he is back."""
    streams = [await both.send(both.phone, "Once", streaming=True), await both.send(both.alice, "", streaming=True)]
    await both.act(both.phone, "append_message", message_id=streams[0]["id"], offset=4, text=" upon")
    await both.rest(both.alice, f"POST messages/{streams[0]['id']}/append", {"offset": 9, "text": " a time"})
    await both.rest(both.alice, f"POST messages/{streams[0]['id']}/append", {"offset": 4, "text": " upon"})
    await both.rest(both.alice, f"POST messages/{streams[0]['id']}/append", {"offset": 99, "text": "!"}, status=409)
    await both.rest(both.alice, f"PATCH messages/{streams[0]['id']}", {"text": "Now"}, status=409)
    finished = await both.act(both.phone, "finish_message", message_id=streams[0]["id"])
    await both.rest(both.alice, f"POST messages/{streams[1]['id']}/append", {"offset": 0, "text": "There"})
    [pin] = (await both.rest(both.alice, "GET pins"))["results"]
    await both.rest(both.alice, f"DELETE pins/{pin['id']}")
    await both.rest(both.alice, f"DELETE messages/{pin['id']}/reactions/:tea:")
    await both.send(both.phone, "Bob?", thread_root=pin["id"], mentions={"users": [both.bob.id]})
    await both.rest(both.alice, "POST read", {"seq": finished["seq"]})
    await both.rest(both.alice, "POST unread", {"seq": 2})

    assert (finished["text"], finished["edited_at"], finished["streaming"]) == ("Once upon a time", None, False)
    return streams[1]


async def arrange_the_room(both: Conversation) -> None:
    """Alice changes the room, and closes it for a while."""
    await both.rest(both.alice, "PATCH ", {"topic": "Tea", "posting": "admins"})
    await both.rest(both.alice, "DELETE ")
    await both.rest(both.alice, "POST messages", new_message("Too late"), status=409)
    await both.rest(both.alice, "POST unarchive")
    await both.rest(both.alice, "PATCH ", {"slow_mode_seconds": 600, "metadata": {"mood": "good"}})


async def confirm(both: Conversation) -> None:
    """Bob's tablet acknowledges what it has; he reads it, and Alice is told."""
    [newest] = (await both.rest(both.alice, "GET messages", limit=1))["results"]
    receipts = f"GET messages/{newest['id']}/receipts"
    head = both.tablet.state.rooms[both.room["id"]].head
    before = await both.rest(both.alice, receipts)
    await both.act(both.tablet, "ack", room_id=None, rooms={both.room["id"]: head})
    delivered = await both.phone.socket.next_event("delivered.updated")
    reached = await both.rest(both.alice, receipts)
    await both.act(both.tablet, "mark_read", seq=head)
    await both.phone.socket.next_event("read.updated", room_id=both.room["id"])
    read = await both.rest(both.alice, receipts)

    assert (delivered["data"]["user_id"], delivered["data"]["delivered_seq"]) == (both.bob.id, head)
    assert [(each["delivered_count"], each["read_count"]) for each in (before, reached, read)] == [
        (0, 0),
        (1, 0),
        (1, 1),
    ]
    unread = await both.rest(both.bob, "GET /me/unread")
    assert [row["unread"] for row in unread["rooms"] if row["room_id"] == both.room["id"]] == [0]


async def keep_the_rules(both: Conversation) -> None:
    """Bob is refused where only admins write, in slow mode, and while he is muted."""
    own = await both.rest(both.bob, "POST messages", new_message("May I?"), status=403)
    assert own["code"] == "room.read_only"
    await both.rest(both.alice, "PATCH ", {"posting": "everyone"})
    slow = await both.rest(both.bob, "POST messages", new_message("May I?"), status=429)
    assert (slow["code"], slow["retry_after_ms"] > 0) == ("room.slow_mode", True)
    await both.rest(both.alice, "PATCH ", {"slow_mode_seconds": 0})
    said = await both.send(both.tablet, "I may")
    await both.rest(both.alice, f"PUT mutes/{both.bob.id}", {"until": LATER, "reason": "Sleeps"})
    muted = [
        await both.rest(both.bob, "POST messages", new_message("May I?"), status=403),
        await both.rest(both.bob, f"PATCH messages/{said['id']}", {"text": "May I?"}, status=403),
    ]
    [mute] = (await both.rest(both.bob, "GET mutes"))["results"]
    await both.act(both.phone, "delete_mute", user_id=both.bob.id)
    await both.send(both.bob, "I was asleep")

    assert {each["code"] for each in muted} == {"room.muted"}
    assert (mute["user"]["id"], mute["until"], mute["reason"]) == (both.bob.id, LATER, None)


async def hand_over(both: Conversation) -> None:
    """Alice gives the room to Bob, who gives it back and is a member again."""
    await both.rest(both.alice, "PUT owner", {"user_id": both.bob.id})
    await both.act(both.tablet, "put_owner", user_id=both.alice.id)
    await both.rest(both.alice, f"PUT members/{both.bob.id}", {"role": "member"})


async def leave_and_return(both: Conversation) -> None:
    """Bob is banned, and no way leads back; later he comes by a link that only he can use, and leaves and is added."""
    link = await both.rest(both.alice, "POST links", {"max_uses": 1})
    await both.rest(both.alice, f"PUT bans/{both.bob.id}", {"reason": "Shouts"})
    assert (await both.tablet.socket.next_event("room.removed"))["data"]["reason"] == "banned"
    assert (await both.rest(both.bob, f"POST /links/{link['code']}/join", status=403))["code"] == "room.banned"
    assert (await both.rest(both.alice, f"PUT members/{both.bob.id}", status=409))["code"] == "room.user_banned"
    assert (await both.rest(both.alice, f"PUT invites/{both.bob.id}", status=409))["code"] == "room.user_banned"
    [ban] = (await both.rest(both.alice, "GET bans"))["results"]
    await both.send(both.alice, "It is quiet here")
    await both.act(both.phone, "delete_ban", user_id=both.bob.id)
    shown = await both.rest(both.bob, f"GET /links/{link['code']}")
    await both.act(both.tablet, "join_by_link", room_id=None, code=link["code"])
    await both.rest(both.bob, "POST leave")
    await both.rest(both.bob, f"POST /links/{link['code']}/join", status=404)
    await both.rest(both.alice, f"PUT members/{both.bob.id}")
    await both.settle()

    assert (ban["reason"], shown["room_id"]) == ("Shouts", both.room["id"])


async def block(both: Conversation) -> None:
    """Alice blocks Bob: her devices get stubs, and the direct room is closed until she unblocks him."""
    await both.act(both.phone, "block_user", room_id=None, user_id=both.bob.id)
    hidden = await both.send(both.tablet, "Not for Alice")
    direct = f"POST /rooms/{both.direct['id']}/messages"
    refused = [await both.rest(who, direct, new_message("Hm?"), status=403) for who in (both.alice, both.bob)]
    await both.check(both.phone, both.laptop)
    stubs = [device.state.rooms[both.room["id"]].messages[hidden["id"]] for device in (both.phone, both.laptop)]
    stubs.append(await both.rest(both.alice, f"GET messages/{hidden['id']}"))
    await both.rest(both.alice, f"DELETE /me/blocks/{both.bob.id}")
    await both.settle()
    shown = both.laptop.state.rooms[both.room["id"]].messages[hidden["id"]]

    assert {each["code"] for each in refused} == {"user.blocked"}
    assert [(stub["text"], stub["blocked"]) for stub in stubs] == [(None, True)] * 3
    assert (shown["text"], shown["blocked"]) == ("Not for Alice", False)


async def forget_bob(both: Conversation) -> None:
    """Bob deletes his account, and his name disappears from everything that he left."""
    await both.rest(both.bob, "DELETE /me", {"password": PASSWORD})
    for room in (both.room, both.direct):
        await both.phone.socket.find(
            lambda frame, room_id=room["id"]: any(  # type: ignore[misc]
                (event["type"], event["room_id"]) == ("user.erased", room_id)
                for event in (frame["data"] if frame.get("action") == "events" else [])
            )
        )
    page = await both.rest(both.alice, "GET messages", limit=100)

    names = {message["sender"]["display_name"] for message in page["results"]}
    assert both.bob.user["display_name"] not in names
