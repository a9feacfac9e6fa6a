"""Replies in threads, mentions, and what users follow and draft."""

from __future__ import annotations

from tests.fold.case import DELETE, DELETE_DRAFT, EDIT, FOLLOW, PUT_DRAFT, READ, SEND, UNFOLLOW, case
from tests.fold.world import World, new_message


def root(world: World, name: str = "alice") -> str:
    return str(world.messages[name]["id"])


@case(SEND)
async def reply_in_a_thread(world: World) -> None:
    await world.rest(world.bob, SEND, new_message("so she was", thread_root=root(world)))


@case("send_message")
async def reply_in_a_thread_and_in_the_room(world: World) -> None:
    await world.act(world.bob, "send_message", **new_message("hear", thread_root=root(world), in_room=True))


@case("send_messages")
async def reply_in_several_threads_at_once(world: World) -> None:
    items = [new_message(f"m{n}", thread_root=root(world, ("alice", "bob")[n % 2])) for n in range(6)]
    await world.act(world.dora, "send_messages", items=items)


@case(SEND)
async def name_users_and_everybody(world: World) -> None:
    named = {"users": [world.bob.id, world.charlie.id], "room": False}
    await world.rest(world.alice, SEND, new_message("you", mentions=named))
    await world.rest(world.alice, SEND, new_message("all", mentions={"room": True}))
    await world.rest(world.dora, SEND, new_message("in a thread", mentions=named, thread_root=root(world)))


@case(EDIT, DELETE)
async def name_by_an_edit_and_delete(world: World) -> None:
    first, second = [await world.post_message(world.dora, "hi", mentions={"users": [world.bob.id]}) for _ in range(2)]
    await world.rest(world.dora, EDIT, {"mentions": {"users": [world.alice.id]}}, message_id=first["id"])
    await world.rest(world.dora, DELETE, message_id=second["id"])


@case(FOLLOW, UNFOLLOW, "unfollow_thread", "follow_thread")
async def follow_and_unfollow(world: World) -> None:
    await world.post_message(world.bob, "one", thread_root=root(world))
    await world.rest(world.dora, FOLLOW, thread_root=root(world))
    await world.rest(world.alice, UNFOLLOW, thread_root=root(world))
    await world.act(world.bob, "unfollow_thread", thread_root=root(world))
    await world.post_message(world.dora, "two", thread_root=root(world))
    await world.act(world.bob, "follow_thread", thread_root=root(world))
    await world.post_message(world.dora, "three", thread_root=root(world))


@case(UNFOLLOW, SEND)
async def a_reply_and_a_mention_follow_again(world: World) -> None:
    for who in (world.bob, world.dora):
        await world.post_message(who, "one", thread_root=root(world))
        await world.rest(who, UNFOLLOW, thread_root=root(world))
    await world.post_message(world.alice, "two", thread_root=root(world))
    await world.rest(world.bob, SEND, new_message("3", thread_root=root(world), mentions={"users": [world.dora.id]}))


@case(READ, "mark_read")
async def read_threads(world: World) -> None:
    seqs = [(await world.post_message(world.bob, str(n), thread_root=root(world)))["seq"] for n in range(3)]
    await world.rest(world.alice, READ, {"seq": seqs[0], "thread_root": root(world)})
    await world.act(world.dora, "mark_read", seq=seqs[1], thread_root=root(world))


@case(DELETE)
async def delete_a_reply_and_its_root(world: World) -> None:
    reply = await world.post_message(world.bob, "one", thread_root=root(world))
    await world.rest(world.bob, DELETE, message_id=reply["id"])
    await world.rest(world.alice, DELETE, message_id=root(world))


@case(PUT_DRAFT, DELETE_DRAFT, "put_draft", "delete_draft", changes=False)
async def drafts_are_not_in_the_log(world: World) -> None:
    await world.rest(world.bob, PUT_DRAFT, {"text": "so"})
    await world.rest(world.bob, DELETE_DRAFT)
    await world.act(world.bob, "put_draft", text="so", thread_root=root(world))
    await world.act(world.bob, "delete_draft", thread_root=root(world))
