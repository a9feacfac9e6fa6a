"""Stories of the retention: two purges of a room, with deletions and edits before them."""

from __future__ import annotations

import asyncio

from tests.fold.case import DELETE, EDIT, PIN, REACTION, UPDATE, case
from tests.fold.state import JSON
from tests.fold.world import World
from tests.forked import run_manage

AGE_AND_PURGE = """
from datetime import timedelta
from django.core.management import call_command
from django.db.models import F
from api.models import Message
Message.objects.filter(room="{room}", seq__lte={seq}).update(created_at=F("created_at") - timedelta(days=8))
call_command("purge")
"""


async def _purge(world: World, last: JSON) -> None:
    """Let the messages up to this one grow old, and purge."""
    program = AGE_AND_PURGE.format(room=world.room["id"], seq=last["seq"])
    command, environment = ("shell", "--no-imports", "-c", program), world.alice.server.environment
    (await asyncio.to_thread(run_manage, *command, env=environment)).check_returncode()


@case(UPDATE, EDIT, DELETE, REACTION, PIN)
async def old_messages_are_purged_twice(world: World) -> None:
    await world.rest(world.alice, UPDATE, {"retention_days": 7})
    await world.rest(world.bob, EDIT, {"text": "edited"}, message_id=world.messages["bob"]["id"])
    await world.rest(world.dora, REACTION, message_id=world.messages["bob"]["id"], key=":tea:")
    await world.rest(world.dora, PIN, message_id=world.messages["bob"]["id"])
    await world.rest(world.dora, DELETE, message_id=world.messages["alice"]["id"])
    await _purge(world, world.messages["eve"])
    later = await world.post_message(world.bob, "a reply", reply_to=world.messages["newest"]["id"])
    await world.rest(world.alice, DELETE, message_id=world.messages["newest"]["id"])
    await _purge(world, later)
    await world.post_message(world.bob, "this stays")


@case(UPDATE)
async def the_last_message_is_purged(world: World) -> None:
    await world.rest(world.alice, UPDATE, {"retention_days": 7})
    await _purge(world, world.messages["newest"])
