"""Forward compatibility: what a newer server sends is passed over, or kept, and breaks nothing."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from clients.conformance.faults import Json, Rule, patched
from clients.conformance.run import case
from clients.conformance.story import Story, demand

NEW_FIELD = {"flavour": {"name": "mint", "strength": [1, 2]}}


def flavoured(value: Any) -> Any:
    """The value with a new field in every message, user and room in it, and in every object at its top."""
    if isinstance(value, list):
        return [flavoured(each) for each in value]
    if isinstance(value, dict):
        changed = {key: flavoured(each) for key, each in value.items()}
        known = {"client_id", "username", "kind", "joined_at", "head", "results", "heartbeat", "epoch"} & changed.keys()
        return changed | NEW_FIELD if known else changed
    return value


@case()
async def unknown_fields(story: Story) -> None:
    """Keeps fields of messages that it does not know, and passes over those of frames."""
    for kind in ("push", "reply"):
        story.rule(Rule("change", kind, times=None, change=lambda frame: {**flavoured(frame), "weather": "fine"}))
    await story.bob.say(story.room, "one")
    await story.start()
    await story.bob.say(story.room, "two")
    await story.send("three")
    await story.settle("one", "two", "three")
    flavours = [each.get("flavour") for each in story.seen()["messages"]]
    demand(flavours == [NEW_FIELD["flavour"]] * 3, f"the unknown field of the messages became {flavours}")


@case("store")
async def unknown_fields_in_the_store(story: Story) -> None:
    """Keeps fields of messages that it does not know over a reload."""
    for kind in ("push", "reply"):
        story.rule(Rule("change", kind, times=None, change=flavoured))
    await story.start()
    await story.bob.say(story.room, "one")
    await story.settle("one")
    await story.reload()
    await story.settle("one")
    story.proxy.is_refusing = True
    await story.reload(wait=False)
    await story.until(lambda: story.texts() == ["one"], "the store is not shown")
    demand(story.seen()["messages"][0].get("flavour") == NEW_FIELD["flavour"], "the unknown field is lost")


@case()
async def unknown_frames(story: Story) -> None:
    """Passes over frames that it does not know, in front of each one that it does."""
    odd: list[Json] = [
        {"action": "weather", "data": {"sky": "grey"}},
        {"action": "weather", "data": None},
        {"action": "sung", "request_id": "nobody-asked", "response_status": 200, "errors": [], "data": []},
        {"kind": "push"},
    ]
    story.rule(Rule("insert", "push", times=None, frames=odd))
    story.rule(Rule("insert", "reply", times=None, frames=odd))
    await story.start()
    await story.bob.say(story.room, "one")
    await story.send("two")
    await story.settle("one", "two")


@case()
async def unknown_passing_events(story: Story) -> None:
    """Passes over events without a seq of types that it does not know, in rooms, in the inbox and elsewhere."""
    await story.start()
    await story.settle()
    head = {"seq": None, "at": "2026-11-22T09:30:00.000Z", "actor_id": story.bob.id}
    rooms = (story.room, None, "01a20555-bb2e-7274-a477-cca023b9ccae")
    events = [{"type": "weather.changed", "room_id": room, **head, "data": {"sky": "grey"}} for room in rooms]
    story.proxy.push({"action": "events", "data": events})
    await story.bob.say(story.room, "one")
    await story.settle("one")


@case()
async def unknown_stored_events(story: Story) -> None:
    """Passes over events of the log of types that it does not know, and misses nothing after them."""

    def rename(frame: Json) -> Json:
        changed = deepcopy(frame)
        for event in changed["data"]:
            if event["type"] == "room.updated":
                event.update(type="weather.changed", data={"sky": ["grey"]})
        return changed

    story.rule(Rule("change", "push", "events", "room.updated", times=None, change=rename))
    await story.start()
    await story.bob.say(story.room, "one")
    await story.alice.rest("PATCH", f"rooms/{story.room}", {"topic": "weather"})
    await story.bob.say(story.room, "two")
    await story.settle("one", "two")
    story.proxy.cut()
    await story.bob.say(story.room, "three")
    await story.settle("one", "two", "three")
    demand(story.replies("get_messages") <= 1, "it has loaded the history again after an event that it does not know")


@case()
async def unknown_events_while_away(story: Story) -> None:
    """Passes over events of types that it does not know among those that it has missed."""

    def rename(value: Any) -> Any:
        if isinstance(value, list):
            return [rename(each) for each in value]
        if isinstance(value, dict):
            changed = {key: rename(each) for key, each in value.items()}
            return changed | {"type": "weather.changed", "data": {}} if value.get("type") == "room.updated" else changed
        return value

    for kind in ("push", "reply"):
        story.rule(Rule("change", kind, times=None, change=rename))
    await story.start()
    await story.settle()
    story.proxy.is_refusing = True
    story.proxy.cut()
    await story.bob.say(story.room, "one")
    await story.alice.rest("PATCH", f"rooms/{story.room}", {"topic": "weather"})
    await story.bob.say(story.room, "two")
    story.proxy.is_refusing = False
    await story.settle("one", "two")
    demand(story.replies("get_messages") <= 1, "it has loaded the history again after an event that it does not know")


@case()
async def unknown_enum_members(story: Story) -> None:
    """Works with kinds, roles and states that it does not know."""

    def change(value: Any) -> Any:
        if isinstance(value, list):
            return [change(each) for each in value]
        if isinstance(value, dict):
            odd = {"kind": "galaxy", "role": "wizard", "history": "dreamt", "can": ["fly"], "platform": "toaster"}
            return {key: odd[key] if key in odd else change(each) for key, each in value.items()}
        return value

    for kind in ("push", "reply"):
        story.rule(Rule("change", kind, times=None, change=change))
    await story.start()
    await story.bob.say(story.room, "one")
    await story.send("two")
    await story.until(lambda: story.texts() == ["one", "two"] and not story.unsent(), "not both are shown")


@case()
async def unknown_reason_of_a_replay(story: Story) -> None:
    """Loads the room anew when a replay is neither complete nor of a kind that it knows."""
    await story.start()
    await story.bob.say(story.room, "one")
    await story.settle("one")

    def change(frame: Json) -> Json:
        changed: Json = patched(frame, {"data": {"replay": "dreamt"}})
        return changed

    story.rule(Rule("change", "reply", "subscribe", times=None, change=change))
    story.proxy.cut()
    await story.bob.say(story.room, "two")
    await story.settle("one", "two")


@case("partial")
async def part_of_a_message_changes(story: Story) -> None:
    """Merges an event with some fields of a message into the version that it names, and keeps the rest."""
    await story.start()
    [message] = await story.bob.say(story.room, "one")
    await story.settle("one")
    thread = {"reply_count": 1, "last_reply_at": message["created_at"], "last_seq": 9, "user_ids": [story.bob.id]}
    await send_part(story, message, {"thread": thread}, base_version=message["version"])
    await story.until(lambda: story.seen()["messages"][0].get("thread") == thread, "not merged")
    demand(story.texts() == ["one"], "the text is gone")


@case("partial")
async def part_of_another_version_changes(story: Story) -> None:
    """Loads a message anew when an event changes some fields of a version that it does not have."""
    await story.start()
    [message] = await story.bob.say(story.room, "one")
    await story.settle("one")
    await send_part(story, message, {"thread": None}, base_version=message["version"] + 1)
    await story.wait(lambda: any(message["id"] in target for target in story.proxy.targets), "it has not loaded it")
    await story.settle("one")


async def send_part(story: Story, message: Json, part: Json, *, base_version: int) -> None:
    """Make the next event of the room a partial one about this message."""

    def change(frame: Json) -> Json:
        changed = deepcopy(frame)
        for event in changed["data"]:
            if event["type"] == "room.updated":
                head = {"id": message["id"], "room_id": story.room, "seq": message["seq"], "version": event["seq"]}
                event.update(type="thread.changed", data={**head, "base_version": base_version, **part})
        return changed

    story.rule(Rule("change", "push", "events", "room.updated", change=change))
    await story.alice.rest("PATCH", f"rooms/{story.room}", {"topic": "a thread"})
