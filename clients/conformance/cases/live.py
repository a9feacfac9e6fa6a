"""Things that a chat shows beside messages: unread counts, read markers, typing, what is new."""

from __future__ import annotations

import json
from uuid import uuid4

from websockets.asyncio.client import connect

from clients.conformance.faults import Rule, patched
from clients.conformance.people import Person
from clients.conformance.run import case
from clients.conformance.story import Story, demand


async def unread(story: Story, count: int) -> None:
    """Wait until the client and the server count as many unread messages."""

    async def counted() -> bool:
        room = await story.alice.rest("GET", f"rooms/{story.room}")
        return bool(room["me"]["unread"] == count)

    await story.wait_for(counted, f"the server does not count {count}")
    await story.until(lambda: story.seen()["unread"] == count, f"it does not count {count} unread messages")


@case("unread")
async def counts_unread_messages(story: Story) -> None:
    """Counts messages of others that are unread, and not those that are deleted."""
    await story.bob.say(story.room, "one", "two")
    await story.start()
    await unread(story, 2)
    _, last = await story.bob.say(story.room, "three", "four")
    await unread(story, 4)
    await story.bob.rest("DELETE", f"rooms/{story.room}/messages/{last['id']}")
    await unread(story, 3)
    story.proxy.cut()
    await story.bob.say(story.room, "five")
    await unread(story, 4)


@case("unread")
async def own_messages_are_read(story: Story) -> None:
    """Counts nothing up to an own message."""
    await story.start()
    await story.bob.say(story.room, "one", "two")
    await unread(story, 2)
    await story.send("three")
    await unread(story, 0)
    await story.bob.say(story.room, "four")
    await unread(story, 1)


@case("unread")
async def read_on_another_device(story: Story) -> None:
    """Follows the read marker that another device moves, forward and back."""
    await story.start()
    messages = await story.bob.say(story.room, "one", "two", "three")
    await unread(story, 3)
    await story.alice.rest("POST", f"rooms/{story.room}/read", {"seq": messages[1]["seq"]})
    await unread(story, 1)
    await story.alice.rest("POST", f"rooms/{story.room}/unread", {"seq": messages[0]["seq"]})
    await unread(story, 3)
    await story.bob.say(story.room, "four")
    await unread(story, 4)


@case("unread")
async def read_while_away(story: Story) -> None:
    """Knows the count after another device has read while it was away."""
    await story.start()
    messages = await story.bob.say(story.room, "one", "two")
    await unread(story, 2)
    story.proxy.is_refusing = True
    story.proxy.cut()
    await story.alice.rest("POST", f"rooms/{story.room}/read", {"seq": messages[1]["seq"]})
    await story.bob.say(story.room, "three")
    story.proxy.is_refusing = False
    await unread(story, 1)


@case("read", "unread")
async def marks_as_read(story: Story) -> None:
    """Moves the marker, on the server too."""
    await story.start()
    await story.bob.say(story.room, "one", "two")
    await unread(story, 2)
    await story.ask("read")
    await unread(story, 0)


@case("read", "unread")
async def marks_as_read_without_a_connection(story: Story) -> None:
    """Moves the marker with the next connection."""
    await story.start()
    await story.bob.say(story.room, "one", "two")
    await unread(story, 2)
    story.proxy.is_refusing = True
    story.proxy.cut()
    await story.until(lambda: story.state["status"] != "live", "still live")
    await story.ask("read")
    story.proxy.is_refusing = False
    await unread(story, 0)


@case("unread", "rooms")
async def counts_in_rooms_that_are_not_open(story: Story) -> None:
    """Counts unread messages of a room whose messages it has not loaded."""
    room = await story.bob.make_room(story.alice, name="Coffee")
    await story.start()
    first, _ = await story.bob.say(room, "one", "two")
    await story.until(lambda: story.seen(room).get("unread") == 2, "it does not count 2")
    await story.bob.rest("DELETE", f"rooms/{room}/messages/{first['id']}")
    await story.until(lambda: story.seen(room).get("unread") == 1, "it does not count 1")


@case("typing")
async def sees_who_is_typing(story: Story) -> None:
    """Shows others who are typing, until they have sent."""
    await story.start()
    await story.settle()
    await say_as_typist(story, story.bob, on=True)
    await story.until(lambda: story.seen()["typing"] == [story.bob.id], "bob is not shown as typing")
    await story.bob.say(story.room, "typed")
    await story.until(lambda: story.seen()["typing"] == [], "bob is still shown as typing")
    await story.settle("typed")


@case("typing")
async def typing_ends_without_an_event(story: Story) -> None:
    """Does not show for ever that somebody types whose last event was lost."""
    short = {"data": {"typing": {"expire_ms": 500}}}
    story.rule(Rule("change", "push", "hello", times=None, change=lambda frame: patched(frame, short)))
    await story.start()
    await story.settle()
    event = {"type": "typing", "room_id": story.room, "seq": None, "at": "2026-11-22T09:30:00.000Z"}
    data = {"user_ids": [story.bob.id]}
    story.proxy.push({"action": "events", "data": [{**event, "actor_id": story.bob.id, "data": data}]})
    await story.until(lambda: story.seen()["typing"] == [], "bob types for ever")


@case("typing")
async def shows_others_that_it_types(story: Story) -> None:
    """Says that the user is typing, and not with each key."""
    await story.start()
    await story.settle()
    for _ in range(10):
        await story.ask("type")
    await story.wait(lambda: story.replies("typing") >= 1, "it has not said so")
    demand(len(story.proxy.requests("typing")) <= 2, f"it has said so {len(story.proxy.requests('typing'))} times")


@case("new")
async def each_new_message_is_new_once(story: Story) -> None:
    """Reports each live message of others once, and none that was missed or is the user's own."""
    await story.bob.say(story.room, "before")
    await story.start()
    await story.settle("before")
    first, second = await story.bob.say(story.room, "one", "two")
    await story.send("mine")
    await story.settle()
    story.proxy.is_refusing = True
    story.proxy.cut()
    await story.bob.say(story.room, "missed")
    story.proxy.is_refusing = False
    await story.settle()
    [third] = await story.bob.say(story.room, "three")
    await story.until(lambda: third["id"] in story.state["new"], "the last one was not reported")
    demand(story.state["new"] == [each["id"] for each in (first, second, third)], f"reported: {story.state['new']}")


async def say_as_typist(story: Story, person: Person, *, on: bool) -> None:
    """Say on a socket of this person that they are typing; the socket stays open until the case ends."""
    url = f"{story.server.ws_url}/v1/ws"
    socket = await connect(url, additional_headers={"Authorization": f"Bearer {person.token}"})
    story.later(socket.close)
    await socket.recv()
    frame = {"action": "typing", "request_id": uuid4().hex, "room_id": story.room, "on": on}
    await socket.send(json.dumps(frame))
    await socket.recv()
