"""Cost: what a client asks of the server, and what it withstands, in numbers that do not depend on the machine."""

from __future__ import annotations

from clients.conformance.run import case
from clients.conformance.story import Story, demand


@case()
async def burst_of_messages(story: Story) -> None:
    """Shows a burst of two thousand messages, without a hole up to the newest."""
    await story.start()
    await story.bob.say(story.room, "first")
    await story.settle("first")
    texts = [f"message {number}" for number in range(2_000)]
    await story.bob.say_many(story.room, texts)
    await story.until(lambda: story.texts()[-100:] == texts[-100:], "the newest messages are not shown")
    history = await story.alice.history(story.room)
    shown = [each["id"] for each in story.seen()["messages"]]
    demand(shown == [each["id"] for each in history][-len(shown) :], "a hole, or a double")


@case()
async def coming_back_is_cheap(story: Story) -> None:
    """Asks for little after a short break: at most four requests, and no history that it has."""
    await story.bob.say(story.room, *[f"message {number}" for number in range(20)])
    await story.start()
    await story.settle()
    loaded = story.replies("get_messages")
    story.proxy.is_refusing = True
    story.proxy.cut()
    await story.bob.say(story.room, "missed")
    story.proxy.is_refusing = False
    await story.settle()
    requests = story.proxy.requests(line=len(story.proxy.attempts))
    demand(len(requests) <= 4, f"{[each.frame['action'] for each in requests]}")
    demand(story.replies("get_messages") == loaded, "it has loaded the history again")


@case("rooms")
async def many_rooms_by_few_requests(story: Story) -> None:
    """Learns of fifty rooms by a handful of requests, not by some for each."""
    rooms = [await story.bob.make_room(story.alice, name=f"Room {number}") for number in range(50)]
    await story.start()
    await story.until(lambda: set(rooms) <= story.state["rooms"].keys(), "not all rooms are there")
    await story.bob.say(rooms[7], "in one of them")
    await story.until(lambda: story.seen(rooms[7]).get("unread") == 1, "it does not follow them all")
    asked = len(story.proxy.requests()) + len([each for each in story.proxy.targets if "/v1/ws" not in each])
    demand(asked <= 8, f"{asked} requests for fifty rooms")


@case()
async def one_socket(story: Story) -> None:
    """Holds one socket, also after several breaks."""
    await story.start()
    for number in range(4):
        story.proxy.cut()
        await story.bob.say(story.room, f"message {number}")
    await story.settle()
    await story.wait(lambda: len(story.proxy.lines) == 1, f"{len(story.proxy.lines)} sockets are open")
