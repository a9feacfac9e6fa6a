"""Memberships: rooms that come and go, and the holes that they leave."""

from __future__ import annotations

from clients.conformance.run import case
from clients.conformance.story import Story, demand


@case("rooms")
async def added_to_a_room(story: Story) -> None:
    """Follows a room to which the user is added, from then on, without another connection."""
    await story.start()
    room = await story.bob.make_room(name="Coffee", history="shared")
    await story.bob.say(room, "before")
    await story.bob.rest("PUT", f"rooms/{room}/members/{story.alice.id}", {})
    await story.until(lambda: story.seen(room), "the room is not there")
    await story.ask("watch", room=room)
    await story.bob.say(room, "after")
    await story.settle("before", "after", room=room)
    demand(len(story.proxy.attempts) == 1, "it has connected again")


@case("rooms")
async def removed_from_a_room(story: Story) -> None:
    """Loses a room when the user is removed, and has it again when they are added again."""
    room = await story.bob.make_room(story.alice, name="Coffee")
    await story.bob.say(room, "one")
    await story.start()
    await story.ask("watch", room=room)
    await story.settle("one", room=room)
    await story.bob.rest("DELETE", f"rooms/{room}/members/{story.alice.id}")
    await story.until(lambda: not story.seen(room), "the room is still there")
    await story.bob.say(room, "unseen")
    await story.bob.rest("PUT", f"rooms/{room}/members/{story.alice.id}", {})
    await story.until(lambda: story.seen(room), "the room is not there again")
    await story.bob.say(room, "seen")
    await story.settle(room=room)


@case("rooms")
async def removed_while_away(story: Story) -> None:
    """Loses a room from which the user was removed while it was away."""
    room = await story.bob.make_room(story.alice, name="Coffee")
    await story.start()
    await story.until(lambda: story.seen(room), "the room is not there")
    story.proxy.is_refusing = True
    story.proxy.cut()
    await story.bob.rest("DELETE", f"rooms/{room}/members/{story.alice.id}")
    story.proxy.is_refusing = False
    await story.until(lambda: not story.seen(room), "the room is still there")
    await story.bob.say(story.room, "and this one goes on")
    await story.settle("and this one goes on")


@case("rooms")
async def hole_of_a_membership(story: Story) -> None:
    """Shows no message of the time in which the user was no member, and all of the others."""
    room = await story.bob.make_room(story.alice, name="Coffee", history="since_joined")
    await story.start()
    await story.ask("watch", room=room)
    await story.bob.say(room, "one")
    await story.settle("one", room=room)
    story.proxy.is_refusing = True
    story.proxy.cut()
    await story.bob.rest("DELETE", f"rooms/{room}/members/{story.alice.id}")
    await story.bob.say(room, "unseen")
    await story.bob.rest("PUT", f"rooms/{room}/members/{story.alice.id}", {})
    await story.bob.say(room, "two")
    story.proxy.is_refusing = False
    await story.settle(room=room)


@case("rooms")
async def direct_room_begins(story: Story) -> None:
    """Shows a direct room when the other user writes the first message."""
    await story.start()
    room = (await story.bob.rest("PUT", f"rooms/direct/{story.alice.id}"))["id"]
    await story.bob.say(room, "psst")
    await story.until(lambda: story.seen(room), "the direct room is not there")
    await story.ask("watch", room=room)
    await story.settle("psst", room=room)
