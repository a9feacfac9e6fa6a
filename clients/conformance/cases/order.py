"""Order and holes: what arrives, arrives once, in order, and in its newest version."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextlib import closing
from typing import Any

from clients.conformance.faults import Json, Rule
from clients.conformance.run import case
from clients.conformance.story import Story, contains, demand
from tests.servers import ROOT


async def rewrite(story: Story, message: Json, text: str) -> None:
    """Edit a message of Bob's by REST."""
    await story.bob.rest("PATCH", f"rooms/{story.room}/messages/{message['id']}", {"text": text})


async def erase(story: Story, message: Json) -> None:
    """Delete a message of Bob's by REST."""
    await story.bob.rest("DELETE", f"rooms/{story.room}/messages/{message['id']}")


@case()
async def history_then_live(story: Story) -> None:
    """Shows what was there before, and then what arrives."""
    await story.bob.say(story.room, "one", "two", "three")
    await story.start()
    await story.bob.say(story.room, "four", "five")
    await story.settle("one", "two", "three", "four", "five")


@case()
async def empty_room(story: Story) -> None:
    """Shows nothing of a room without messages, and then the first one."""
    await story.start()
    await story.settle()
    await story.bob.say(story.room, "first")
    await story.settle("first")


@case()
async def missed_while_away(story: Story) -> None:
    """Gets what it missed, without a hole, after a lost connection."""
    await story.start()
    await story.bob.say(story.room, "one")
    await story.settle("one")
    story.proxy.is_refusing = True
    story.proxy.cut()
    await story.bob.say(story.room, "two", "three")
    story.proxy.is_refusing = False
    await story.settle("one", "two", "three")


@case()
async def events_arrive_twice(story: Story) -> None:
    """Shows a message once when its event arrives twice."""
    story.rule(Rule("double", "push", "events", times=None))
    await story.start()
    first, _ = await story.bob.say(story.room, "one", "two")
    await rewrite(story, first, "one, edited")
    await story.send("three")
    await story.settle("one, edited", "two", "three")


@case()
async def reply_before_its_event(story: Story) -> None:
    """Shows an own message once when its event comes long after the reply."""
    await story.start()
    held = story.rule(Rule("hold", "push", "events", "message.created"))
    await story.send("one")
    await story.until(lambda: story.texts() == ["one"] and not story.unsent(), "the reply was not taken")
    held.release()
    await story.bob.say(story.room, "two")
    await story.settle("one", "two")


@case()
async def event_before_its_reply(story: Story) -> None:
    """Shows an own message once when its event comes before the reply."""
    await story.start()
    held = story.rule(Rule("hold", "reply", "send_message"))
    await story.send("one")
    await story.until(lambda: story.texts() == ["one"], "the event was not taken")
    held.release()
    await story.send("two")
    await story.settle("one", "two")


@case()
async def late_reply_undoes_no_edit(story: Story) -> None:
    """Shows the newest version when the reply to a send comes after an edit of the message on another device."""
    await story.start()
    held = story.rule(Rule("hold", "reply", "send_message"))
    await story.send("old")
    await story.until(lambda: story.texts() == ["old"], "the event was not taken")
    [message] = await story.alice.history(story.room)
    await story.alice.rest("PATCH", f"rooms/{story.room}/messages/{message['id']}", {"text": "new"})
    await story.until(lambda: story.texts() == ["new"], "the edit was not taken")
    held.release()
    await story.bob.say(story.room, "and more")
    await story.settle("new", "and more")


@case()
async def edit_arrives_before_its_page(story: Story) -> None:
    """Shows the newest version when a page of history is older than an edit that came before it."""
    [message] = await story.bob.say(story.room, "old")
    held = story.rule(Rule("hold", "reply", "get_messages"))
    await story.start()
    await story.wait(lambda: held.done, "it has asked for no page of history")
    await rewrite(story, message, "new")
    await story.wait(lambda: story.pushed("message.edited"), "the edit was not pushed")
    held.release()
    await story.settle("new")


@case()
async def deletion_arrives_before_its_page(story: Story) -> None:
    """Shows a tombstone when a page of history is older than the deletion."""
    message, _ = await story.bob.say(story.room, "secret", "other")
    held = story.rule(Rule("hold", "reply", "get_messages"))
    await story.start()
    await story.wait(lambda: held.done, "it has asked for no page of history")
    await erase(story, message)
    await story.wait(lambda: story.pushed("message.deleted"), "the deletion was not pushed")
    held.release()
    history = await story.settle()
    demand([each["text"] for each in history] == [None, "other"], "the deletion is not in the log")


@case()
async def live_messages_arrive_before_the_page(story: Story) -> None:
    """Shows live messages and the page that arrives after them, without a hole or a double."""
    await story.bob.say(story.room, "one", "two")
    held = story.rule(Rule("hold", "reply", "get_messages"))
    await story.start()
    await story.wait(lambda: held.done, "it has asked for no page of history")
    await story.bob.say(story.room, "three")
    await story.wait(lambda: story.pushed("message.created"), "the message was not pushed")
    held.release()
    await story.settle("one", "two", "three")


@case()
async def edits_and_deletions_live(story: Story) -> None:
    """Shows edits and deletions as they come."""
    await story.start()
    first, second, _ = await story.bob.say(story.room, "one", "two", "three")
    await rewrite(story, first, "one, edited")
    await erase(story, second)
    await rewrite(story, first, "one, edited twice")
    history = await story.settle()
    demand([each["text"] for each in history] == ["one, edited twice", None, "three"], "the log is different")


@case()
async def edits_and_deletions_missed(story: Story) -> None:
    """Shows edits and deletions that happened while it was away."""
    await story.start()
    first, second, _ = await story.bob.say(story.room, "one", "two", "three")
    await story.settle("one", "two", "three")
    story.proxy.is_refusing = True
    story.proxy.cut()
    await rewrite(story, first, "one, edited")
    await erase(story, second)
    story.proxy.is_refusing = False
    await story.settle()


@case("store")
async def edits_missed_while_closed(story: Story) -> None:
    """Shows edits and deletions that happened while the app was closed, also in what its store has."""
    await story.start()
    first, second, _ = await story.bob.say(story.room, "one", "two", "three")
    await story.settle("one", "two", "three")
    await story.program.kill()
    await rewrite(story, first, "one, edited")
    await erase(story, second)
    await story.bob.say(story.room, "four")
    await story.reload()
    await story.settle()


@case("store")
async def shows_its_store_without_a_server(story: Story) -> None:
    """Shows stored messages before any connection."""
    await story.start()
    await story.bob.say(story.room, "one", "two")
    await story.settle("one", "two")
    await story.reload()  # so that everything is written
    await story.settle("one", "two")
    story.proxy.is_refusing = True
    await story.reload(wait=False)
    await story.until(lambda: story.texts() == ["one", "two"], "the store is not shown without a connection")


@case()
async def more_missed_than_a_replay_holds(story: Story) -> None:
    """Loads the room anew when more was missed than a replay brings."""
    await story.start()
    await story.bob.say(story.room, "before")
    await story.settle("before")
    story.proxy.is_refusing = True
    story.proxy.cut()
    texts = [f"missed {number}" for number in range(1_010)]
    await story.bob.say_many(story.room, texts)
    story.proxy.is_refusing = False
    await story.until(lambda: story.texts()[-50:] == texts[-50:], "the newest messages are not shown")
    shown, history = story.seen()["messages"], await story.alice.history(story.room)
    demand(contains(shown, history[-len(shown) :]), "a hole between old and new")


@case()
async def cursor_of_another_epoch(story: Story) -> None:
    """Loads the room anew when the server answers that the cursor is of another epoch."""
    await story.start()
    first, second = await story.bob.say(story.room, "one", "two")
    await story.settle("one", "two")
    story.proxy.is_refusing = True
    story.proxy.cut()
    await rewrite(story, first, "one, edited")
    await erase(story, second)
    await story.bob.say(story.room, "three")
    for action in ("subscribe", "sync"):
        story.rule(Rule("change", "request", action, change=lambda frame: {**frame, "epoch": 7}))
    story.proxy.is_refusing = False
    await story.settle()


@case()
async def live_reset(story: Story) -> None:
    """Loads the room anew when the past is rewritten while it is connected."""
    await story.start()
    first, _ = await story.bob.say(story.room, "one", "two")
    await story.settle("one", "two")
    story.rule(Rule("drop", "push", "events", "message.edited"))
    await rewrite(story, first, "one, edited")
    await story.wait(lambda: story.pushed("message.edited"), "the edit was not pushed")
    for action in ("subscribe", "sync"):
        story.rule(Rule("change", "request", action, change=lambda frame: {**frame, "epoch": 7}))
    reset = {"type": "room.reset", "room_id": story.room, "seq": None, "at": None, "actor_id": None}
    story.proxy.push(
        {"action": "events", "data": [{**reset, "data": {"room_id": story.room, "head": first["seq"] + 5, "epoch": 2}}]}
    )
    await story.settle("one, edited", "two")


@case()
async def sync_in_pages(story: Story) -> None:
    """Gets everything when the answer to what it missed has several pages."""
    others = [await story.alice.make_room(story.bob) for _ in range(3)]
    await story.start()
    await story.bob.say(story.room, "one")
    await story.settle("one")
    story.proxy.is_refusing = True
    story.proxy.cut()
    story.rule(Rule("change", "request", "sync", times=None, change=lambda frame: {**frame, "limit": 2}))
    for room in (*others, story.room):
        await story.bob.say(room, "two", "three", "four")
    story.proxy.is_refusing = False
    await story.settle("one", "two", "three", "four")


@case()
async def frames_in_fragments(story: Story) -> None:
    """Reads messages that arrive in several fragments, cut inside of characters."""
    story.rule(Rule("split", "push", times=None))
    story.rule(Rule("split", "reply", times=None))
    await story.start()
    await story.bob.say(story.room, "tea 🍵🍵🍵🍵🍵🍵🍵🍵", "Grüße")
    await story.send("ünë")
    await story.settle("tea 🍵🍵🍵🍵🍵🍵🍵🍵", "Grüße", "ünë")


@case()
async def odd_texts(story: Story) -> None:
    """Shows every text as it was sent: lines, emoji, separators, quotes, right-to-left."""
    texts = ["a\nb", "👩‍👩‍👧‍👦", "\u2028 \u2029", '"quoted" \\ back', "שלום", "<b>no</b>", "\ufeffmark", "x" * 8_000]
    await story.start()
    await story.bob.say(story.room, *texts)
    await story.send(*texts)
    await story.settle()
    demand(len(story.texts()) == 16, f"{len(story.texts())} messages, not 16")


@case()
async def erased_account(story: Story) -> None:
    """Replaces the name of a deleted account in what it holds."""
    await story.start()
    await story.bob.say(story.room, "from bob")
    await story.settle("from bob")
    await story.bob.rest("DELETE", "me", {"password": "correct horse battery"})

    async def erased() -> Any:
        [message] = await story.alice.history(story.room)
        return message["sender"]["username"] != story.bob.name

    await story.wait_for(erased, "the server has not erased the account")
    await story.settle("from bob")


@case("older")
async def history_by_pages(story: Story) -> None:
    """Pages back to the beginning, without a hole or a double, while messages arrive."""
    await story.bob.say_many(story.room, [f"message {number}" for number in range(170)])
    await story.start()
    await story.until(lambda: story.texts(), "no page of history")
    for turn in range(20):
        await story.bob.say(story.room, f"live {turn}") if turn < 3 else None
        if not await story.ask("older"):
            break
    await story.settle()


@case(own_server=True)
async def epoch_raised(story: Story) -> None:
    """Loads the room anew after the operator has restored a backup and raised the epoch."""
    await story.start()
    await story.bob.say(story.room, "one")
    await story.settle("one")
    await manage(story, "raise_epoch")
    await story.bob.say(story.room, "two")
    await story.settle("one", "two")
    story.proxy.cut()
    await story.bob.say(story.room, "three")
    await story.settle("one", "two", "three")


@case(own_server=True)
async def purged_messages(story: Story) -> None:
    """Empties messages that the server has purged, and everything else of them."""
    await story.start()
    await story.bob.say(story.room, "old", "old too")
    await story.settle("old", "old too")
    await story.alice.rest("PATCH", f"rooms/{story.room}", {"retention_days": 7})
    path = story.server.environment["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=30)) as database, database:
        database.execute("UPDATE api_message SET created_at = datetime(created_at, '-8 days')")
    await manage(story, "purge")
    await story.bob.say(story.room, "new")
    history = await story.settle()
    demand([each["text"] for each in history] == [None, None, "new"], "the server has not purged")


async def manage(story: Story, *arguments: str) -> None:
    """Run a management command beside the server."""
    command = [sys.executable, "manage.py", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=story.server.environment, stdout=asyncio.subprocess.DEVNULL
    )
    if await process.wait():
        raise RuntimeError(f"manage.py {' '.join(arguments)} failed")
