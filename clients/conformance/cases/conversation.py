"""Reactions, pins, threads, blocks and streamed messages: a message changes without one that is whole and newer."""

from __future__ import annotations

from collections.abc import Awaitable
from urllib.parse import quote
from uuid import uuid4

from clients.conformance.faults import Json, Rule
from clients.conformance.run import case
from clients.conformance.story import Story, demand


async def react(story: Story, message: Json, key: str, *, method: str = "PUT") -> None:
    """Bob reacts to a message, or no longer."""
    await story.bob.rest(method, f"rooms/{story.room}/messages/{message['id']}/reactions/{quote(key)}")


async def reply(story: Story, root: Json, text: str, **fields: object) -> None:
    """Bob replies to a message in its thread."""
    body = {"client_id": uuid4().hex, "text": text, "thread_root": root["id"], **fields}
    await story.bob.rest("POST", f"rooms/{story.room}/messages", body)


async def pin(story: Story, message: Json, *, method: str = "PUT") -> None:
    """Alice pins a message on another device, or no longer."""
    await story.alice.rest(method, f"rooms/{story.room}/pins/{message['id']}")


@case("partial")
async def reactions_and_pins(story: Story) -> None:
    """Shows reactions and pins as they come and go, and keeps the text."""
    await story.start()
    first, second = await story.bob.say(story.room, "one", "two")
    await story.settle("one", "two")
    for key in ("👍", ":tea:", "🎉"):
        await react(story, first, key)
    await react(story, first, ":tea:", method="DELETE")
    await pin(story, second)
    await pin(story, first)
    await pin(story, first, method="DELETE")
    history = await story.settle("one", "two")
    demand([each["key"] for each in history[0]["reactions"]] == ["👍", "🎉"], "the log has other reactions")
    demand(history[1]["pinned_at"], "the log has no pin")


@case("partial")
async def reactions_missed_while_away(story: Story) -> None:
    """Shows reactions, pins and edits, one upon another, that it has missed."""
    await story.start()
    [message] = await story.bob.say(story.room, "one")
    await story.settle("one")
    story.proxy.is_refusing = True
    story.proxy.cut()
    await react(story, message, "👍")
    await story.bob.rest("PATCH", f"rooms/{story.room}/messages/{message['id']}", {"text": "one, edited"})
    await react(story, message, "🎉")
    await pin(story, message)
    story.proxy.is_refusing = False
    await story.settle("one, edited")


@case("partial")
async def reaction_arrives_before_its_page(story: Story) -> None:
    """Shows a reaction that came before a page of history that is older than it."""
    [message] = await story.bob.say(story.room, "one")
    held = story.rule(Rule("hold", "reply", "get_messages"))
    await story.start()
    await story.wait(lambda: held.done, "it has asked for no page of history")
    await react(story, message, "👍")
    await story.wait(lambda: story.pushed("reaction.changed"), "the reaction was not pushed")
    held.release()
    await story.settle("one")


@case("partial")
async def lost_reaction(story: Story) -> None:
    """Loads a message whose last version it has missed when an event changes a part of it."""
    await story.start()
    [message] = await story.bob.say(story.room, "one")
    await story.settle("one")

    def empty(frame: Json) -> Json:
        return {**frame, "data": [{**each, "type": "weather.changed", "data": {}} for each in frame["data"]]}

    lost = story.rule(Rule("change", "push", "events", "reaction.changed", change=empty))
    await react(story, message, "👍")
    await story.wait(lambda: lost.done, "the reaction was not pushed")
    await react(story, message, "🎉")
    await story.settle("one")


@case("partial")
async def replies_in_a_thread(story: Story) -> None:
    """Counts replies at the message that they are to, and shows in the main line only those that are sent there too."""
    await story.start()
    root, _ = await story.bob.say(story.room, "root", "two")
    await story.settle("root", "two")
    await reply(story, root, "in the thread")
    await reply(story, root, "in both", in_room=True)
    history = await story.settle("root", "two", "in both")
    demand(history[0]["thread"]["reply_count"] == 2, "the log counts other replies")


@case("partial", "unread")
async def replies_are_not_unread_in_the_room(story: Story) -> None:
    """Does not count replies in threads as unread messages of the room."""
    await story.start()
    [root] = await story.bob.say(story.room, "root")
    await story.until(lambda: story.seen()["unread"] == 1, "it does not count 1")
    await reply(story, root, "in the thread")
    await reply(story, root, "in both", in_room=True)
    await story.settle("root", "in both")
    room = await story.alice.rest("GET", f"rooms/{story.room}")
    demand(room["me"]["unread"] == 2, "the server does not count 2")
    await story.until(lambda: story.seen()["unread"] == 2, "it does not count 2")


async def away(story: Story, work: Awaitable[object]) -> None:
    """Do this while the client has no connection."""
    story.proxy.is_refusing = True
    story.proxy.cut()
    await work
    story.proxy.is_refusing = False


async def block(story: Story, *, method: str = "PUT") -> None:
    """Alice blocks Bob on another device, or no longer."""
    await story.alice.rest(method, f"me/blocks/{story.bob.id}")


@case("blocks", "unread")
async def stubs_end_with_a_block(story: Story) -> None:
    """Hides what it holds of a user who is blocked, and shows it again, in the same version, when the block ends."""
    await story.start()
    said = await story.bob.say(story.room, "one", "two")
    await react(story, said[0], "👍")
    before = await story.settle("one", "two")
    await block(story)
    hidden = await story.settle()
    demand([each["text"] for each in hidden] == [None, None], "the log hides nothing")
    await story.until(lambda: story.seen()["unread"] == 0, "it counts what is hidden")
    await story.bob.say(story.room, "three")
    await story.settle()
    await story.until(lambda: story.seen()["unread"] == 0, "it counts a new stub")
    await block(story, method="DELETE")
    after = await story.settle("one", "two", "three")
    demand([each["version"] for each in after][:2] == [each["version"] for each in before], "the versions differ")
    await story.until(lambda: story.seen()["unread"] == 3, "it does not count 3")


@case("blocks")
async def blocked_and_unblocked_while_away(story: Story) -> None:
    """Follows a block, and then its end, that it has missed."""
    await story.start()
    await story.bob.say(story.room, "one", "two")
    await story.settle("one", "two")
    await away(story, block(story))
    hidden = await story.settle()
    demand([each["text"] for each in hidden] == [None, None], "the log hides nothing")
    await away(story, block(story, method="DELETE"))
    await story.settle("one", "two")


@case("blocks", "store")
async def block_outlasts_a_crash(story: Story) -> None:
    """Shows nothing of a blocked user after a crash, without a connection, and all of it when the block ends."""
    await story.start()
    await story.bob.say(story.room, "one", "two")
    await story.settle("one", "two")
    await block(story)
    async for _ in story.turns():  # a store may be a moment behind what is shown
        story.proxy.is_refusing = False
        await story.settle()
        story.proxy.is_refusing = True
        await story.reload(wait=False)
        await story.until(lambda: len(story.texts()) == 2, "it does not show what it has stored")
        if story.texts() == [None, None]:
            break
    demand(story.texts() == [None, None], f"it has stored {story.texts()}")
    await block(story, method="DELETE")
    story.proxy.is_refusing = False
    await story.settle("one", "two")


async def stream(story: Story, *parts: str, to: Json | None = None) -> Json:
    """Bob begins a streamed message with the first part, or goes on with one, and appends the parts."""
    path = f"rooms/{story.room}/messages"
    if to is None:
        to = await story.bob.rest("POST", path, {"client_id": uuid4().hex, "text": parts[0], "streaming": True})
        parts = parts[1:]
    for part in parts:
        body = {"offset": len(to["text"]), "text": part}
        to = await story.bob.rest("POST", f"{path}/{to['id']}/append", body)
    return to


@case("streams")
async def streamed_message_grows(story: Story) -> None:
    """Appends each part of a streamed message, and loads the message when a part was lost."""
    await story.start()
    message = await stream(story, "Twinkle", ", twinkle \N{BAT}", ", little bat!")
    await story.settle("Twinkle, twinkle \N{BAT}, little bat!")
    lost = story.rule(Rule("drop", "push", "events", "text.appended"))
    message = await stream(story, " How I wonder", to=message)
    await story.wait(lambda: lost.done, "the part was not pushed")
    message = await stream(story, " what you're at!", to=message)
    await story.settle(message["text"])
    await story.bob.rest("POST", f"rooms/{story.room}/messages/{message['id']}/finish", {})
    [history] = await story.settle(message["text"])
    demand(not history["streaming"], "the log has no end of the message")


@case("streams")
async def streamed_message_grows_while_away(story: Story) -> None:
    """Loads a message that has grown while it was away: the version is the same, and its replay is the beginning."""
    await story.start()
    message = await stream(story, "Twinkle", ", twinkle")
    await story.settle("Twinkle, twinkle")
    await away(story, stream(story, ", little bat!", to=message))
    [history] = await story.settle("Twinkle, twinkle, little bat!")
    demand(history["version"] == message["version"], "the version has changed")
