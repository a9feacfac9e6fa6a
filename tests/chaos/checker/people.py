"""Blocks, threads, streamed messages and presence, judged by the log and the last reads."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from tests.answers import STUB
from tests.chaos.checker.bounds import bound_of
from tests.chaos.checker.world import Anomaly, Event, World
from tests.chaos.history import Record

STALE_SECONDS = 15.0  # for which a frozen process may still make stubs after the end of a block
KEPT = ("id", "room_id", "seq", "client_id", "created_at", "thread_root", "in_room")


def check_stub(final: Event, stub: Event) -> Iterator[Anomaly]:
    """A stub has nothing of the content, and all the rest of the message."""
    same = all(stub["data"][name] == final["data"][name] for name in KEPT)
    if not same or any(stub["data"][name] != value for name, value in STUB.items()):
        yield Anomaly("agreement", "a stub is no stub of its message", (final, stub))


class Block(NamedTuple):
    """One block: it is surely in force from its answer to the next attempt to end it."""

    since: float
    until: float


def _blocks(world: World) -> dict[tuple[str, str], list[Block]]:
    """All blocks that no device of the user has disputed, by the user and the one whom they block."""
    calls = [call for call in world.by_kind["call"] if call["what"] in ("block", "unblock")]
    ends: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for call in calls:
        if call["what"] == "unblock":
            ends[call["user"], call["target"]].append(call)
    found: dict[tuple[str, str], list[Block]] = defaultdict(list)
    for call in calls:
        done = world.done.get(call["op"], {})
        if call["what"] == "block" and done.get("status") == 200:
            own = ends[call["user"], call["target"]]
            is_disputed = any(end["t"] <= done["t"] and _ended_at(world, end) >= call["t"] for end in own)
            if not is_disputed:
                until = min((end["t"] for end in own if end["t"] > call["t"]), default=float("inf"))
                found[call["user"], call["target"]].append(Block(done["t"], until))
    return found


def _ended_at(world: World, call: Record) -> float:
    done = world.done.get(call["op"], {})
    return float(done["t"]) if done.get("status") is not None else float("inf")


def check_blocked_bytes(world: World) -> Iterator[Anomaly]:
    """Nothing that a blocked user wrote reaches the blocker in any answer, soon after the block."""
    blocks = _blocks(world)
    senders = {_token(call["text"]): call["user"] for call in world.by_kind["call"] if "cnry" in call.get("text", "")}
    for record in world.by_kind["canary"]:
        sender = senders.get(record["token"], "")
        if block := _in_force(world, blocks[record["user"], sender], record["t"]):
            yield Anomaly("blocked", f"bytes of a blocked user came by {record['where']}", (block, record))


def check_stubs(world: World) -> Iterator[Anomaly]:
    """The messages of a blocked user come as stubs, soon after the block; those of others never do."""
    blocks = _blocks(world)
    for record in world.by_kind["event"]:
        body: Event = world.bodies[record["key"]] if record["seq"] is not None else {"type": ""}
        if not body["type"].startswith("message."):
            continue
        user, sender = world.users[record["device"]], body["data"]["sender"]["id"]
        if body["data"].get("blocked"):
            if not _may_be_hidden(world, user, sender, record["t"]):
                yield Anomaly("hidden", "a stub came, and its sender was not blocked", (record, body))
        elif block := _in_force(world, blocks[user, sender], record["t"]):
            yield Anomaly("blocked", "a whole message of a blocked user came", (block, record, body))


def _in_force(world: World, blocks: list[Block], at: float) -> Block | None:
    """Return a block that was surely in force everywhere at this time."""
    return next((one for one in blocks if one.since + bound_of(world, one.since, at) < at < one.until), None)


def _may_be_hidden(world: World, user: str, sender: str, at: float) -> bool:
    """True when a block was asked for, and its end was not known everywhere."""
    calls = [
        call
        for call in world.by_kind["call"]
        if call["what"] in ("block", "unblock") and (call["user"], call["target"]) == (user, sender)
    ]
    ended = [_ended_at(world, call) for call in calls if call["what"] == "unblock"]

    def is_known(call: Record) -> bool:
        return world.done.get(call["op"], {}).get("status") is not None

    return any(
        call["t"] <= at
        # One without an answer may reach the server after all, and after the end: a slow line held it.
        and (not is_known(call) or not any(call["t"] < end < at - STALE_SECONDS for end in ended))
        for call in calls
        if call["what"] == "block"
    )


def _token(text: str) -> str:
    start = text.find("cnry")
    return text[start : start + 16]


def check_threads(world: World) -> Iterator[Anomaly]:
    """The summary of a thread is that of the replies in the log; markers and counts of followers are right."""
    replies: dict[str, list[Event]] = defaultdict(list)
    for shape in sorted(world.shapes.values(), key=lambda shape: int(shape["seq"])):
        if shape["thread_root"] is not None:
            replies[shape["thread_root"]].append(shape)
    for root, own in replies.items():
        thread = world.shapes[root]["thread"]
        if (thread["reply_count"], thread["last_seq"]) != (len(own), own[-1]["seq"]):
            yield Anomaly("thread", f"a thread has {len(own)} replies up to {own[-1]['seq']}", (thread,))
    for view in world.by_kind["end_threads"]:
        shown = {row["root"]: row for row in view["threads"]}
        followed = set(_followed(world, view["user"], replies))
        if set(shown) != followed:
            less, more = sorted(followed - set(shown)), sorted(set(shown) - followed)
            yield Anomaly("thread", f"{view['user']} does not follow {less[:3]}, and follows {more[:3]}")
        for root, row in shown.items():
            unread = [each for each in replies[root] if _is_unread(world, view["user"], each, row["read_seq"])]
            if row["unread"] != len(unread):
                yield Anomaly("thread", f"{view['user']} has {len(unread)} unread replies", (row, world.shapes[root]))


def _is_unread(world: World, user: str, reply: Event, read_seq: int) -> bool:
    sender = reply["sender"]["id"]
    is_hidden = sender == user or reply["deleted_at"] is not None or (user, sender) in world.blocks
    return reply["seq"] > read_seq and not is_hidden and world.sees(user, reply["room_id"], reply["seq"])


def _followed(world: World, user: str, replies: dict[str, list[Event]]) -> Iterator[str]:
    """The roots of the threads that a user follows: by writing in them or by name, unless they unfollowed later."""
    chosen: dict[str, tuple[int, bool]] = {}
    for _, event in sorted(world.log[user].items()):
        if event["type"] in ("thread.followed", "thread.unfollowed"):
            chosen[event["data"]["thread_root"]] = event["data"]["seq"], event["type"] == "thread.followed"
    named = {
        (event["data"]["id"], name)
        for room in world.rooms
        for event in world.log[room].values()
        if event["type"] == "message.created"
        for name in event["data"]["mentions"]["users"]
    }
    for root in {*replies, *chosen}:
        shape = world.shapes[root]
        if not world.is_member(user, shape["room_id"]) or not world.sees(user, shape["room_id"], shape["seq"]):
            continue
        causes = [each["seq"] for each in replies[root] if each["sender"]["id"] == user or (each["id"], user) in named]
        if shape["sender"]["id"] == user:
            causes.append(shape["seq"])
        seq, is_followed = chosen.get(root, (0, False))
        if shape["sender"]["id"] == user and not replies[root]:
            continue  # one's own message is listed from its first reply on
        if is_followed or any(cause > seq for cause in causes):
            yield root


def check_streams(world: World) -> Iterator[Anomaly]:
    """The text of a streamed message has every piece that was acknowledged, in its place, and its end is one."""
    for call in world.by_kind["call"]:
        done = world.done.get(call["op"], {})
        if call["what"] not in ("append", "finish") or done.get("status") != 200 or call["message"] in world.deleted:
            continue
        shape = world.shapes[call["message"]]
        if call["what"] == "finish":
            if shape["streaming"] or shape["edited_at"]:
                yield Anomaly("stream", "a finished stream is not finished", (call, done, shape))
        elif shape["text"][call["offset"] :][: len(call["piece"])] != call["piece"]:
            yield Anomaly("stream", "an acknowledged piece is not in the text", (call, done, shape))


def check_presence(world: World) -> Iterator[Anomaly]:
    """At the end every server shows everybody who is there to those who may see them, and to nobody else."""
    for record in world.by_kind["end_presence"]:
        records = [*world.by_kind["end_member"], *world.by_kind["end_block"]]
        for view in record["seen"]:
            if not is_agreed(records, [view]):
                yield Anomaly("presence", f"server {view['server']} shows {view['user']} other states", (view,))


def is_agreed(records: list[Record], seen: list[Record]) -> bool:
    """Return whether each viewer is shown everybody whom they may see as online, and nobody else."""
    members = [row for record in records if record["kind"] == "end_member" for row in record["rows"]]
    rows = [row for record in records if record["kind"] == "end_block" for row in record["rows"]]
    blocks = {(row["user_id"], row["blocked_id"]) for row in rows}
    own: dict[str, set[str]] = {}
    for row in members:
        if row["state"] == "joined" and not row["put_by_other"]:
            own.setdefault(row["user_id"], set()).add(row["room_id"])

    def is_visible(viewer: str, user: str) -> bool:
        is_closed = bool({(viewer, user), (user, viewer)} & blocks)
        return viewer == user or (bool(own.get(viewer, set()) & own.get(user, set())) and not is_closed)

    return all(
        state == ("online" if is_visible(view["user"], user) else "offline")
        for view in seen
        for user, state in view["states"].items()
    )
