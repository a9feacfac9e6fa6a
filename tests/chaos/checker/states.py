"""Reads, during the run and at its end, agree with the log on every server."""

from collections.abc import Iterator
from typing import Any

from tests.chaos.checker.world import Anomaly, World
from tests.chaos.history import Record

UNREAD_EXACT = 999


def check_pages(world: World) -> Iterator[Anomaly]:
    """A page of history has no hole within the seqs that its reader may see."""
    created = {room: _created(world, room) for room in world.rooms}
    for page in world.by_kind["page"]:
        room, seqs = page["room"], [message[1] for message in page["messages"]]
        if seqs != sorted(set(seqs)):
            yield Anomaly("page", "a page is out of order", (seqs,))
        for seq in seqs:
            if seq not in created[room] or not world.sees(page["user"], room, seq, page["t"]):
                yield Anomaly("leak", f"a page holds {seq}, which is no message of theirs", (page,))
        last = page["head"] if page["newest"] else (seqs[-1] if seqs else 0)
        if not seqs:
            continue
        # The reader's periods at the time of the reading are not known; those that had begun before the first are.
        expected = [seq for seq in created[room] if seqs[0] <= seq <= last and world.sees(page["user"], room, seq)]
        missing = [seq for seq in expected if seq not in seqs]
        if missing and all(_was_seen(world, page, seq) for seq in missing):
            yield Anomaly("page", f"a page from {seqs[0]} to {last} misses {missing[:5]}", (page,))


def _was_seen(world: World, page: Record, seq: int) -> bool:
    """True when the reader surely saw this seq as the page was read: in a single period that was old by then."""
    periods = world.periods.get((page["room"], page["user"]), ())
    return len(periods) == 1 and periods[0].holds(seq) and periods[0].began_at < page["t"] - 10


def _created(world: World, room: str) -> list[int]:
    events = world.log[room].items()
    return sorted(
        seq for seq, event in events if event["type"] == "message.created" and world.is_main(event["data"]["id"])
    )


def check_views(world: World) -> Iterator[Anomaly]:
    """At the end every server shows every user the rows, by the history rule."""
    rows: dict[str, list[Record]] = {}
    for row in world.messages:
        rows.setdefault(row["room_id"], []).append(row)
    for view in world.by_kind["end_view"]:
        user, room = view["user"], view["room"]
        main = [row for row in rows.get(room, []) if world.is_main(row["id"])]
        seen = {row["id"]: row for row in main if world.sees(user, room, row["seq"])}
        shown = {message[0]: message for message in view["messages"]}
        if set(seen) != set(shown):
            less, more = set(seen) - set(shown), set(shown) - set(seen)
            yield Anomaly("view", f"history of {user} misses {sorted(less)[:3]} and has {sorted(more)[:3]} too much")
        for message_id in set(seen) & set(shown):
            row = seen[message_id]
            if shown[message_id][1:3] != [row["seq"], row["version"]]:
                yield Anomaly("view", "a message is not as its row", (shown[message_id], row))
        if view["head"] != world.head(room):
            yield Anomaly("view", f"the head of {room} is shown as {view['head']}", (world.head(room),))
        yield from _check_me(world, view, list(seen.values()))


def _check_me(world: World, view: Record, seen: list[Record]) -> Iterator[Anomaly]:
    me: dict[str, Any] = view["me"]
    unread = [row for row in seen if row["seq"] > me["read_seq"] and row["sender_id"] != view["user"]]
    shown = [
        row for row in unread if row["deleted_at"] is None and (view["user"], row["sender_id"]) not in world.blocks
    ]
    expected = min(UNREAD_EXACT, len(shown))
    if me["unread"] != expected:
        yield Anomaly("unread", f"{view['user']} is shown {me['unread']} unread, it is {expected}", (me,))
    if not 0 < me["read_seq"] <= world.head(view["room"]):
        yield Anomaly("marker", f"a read marker stands at {me['read_seq']}", (me,))


def check_markers(world: World) -> Iterator[Anomaly]:
    """A read marker is at or beyond the acknowledged seq, and no device received an earlier one after it."""
    final = {(view["user"], view["room"]): view["me"]["read_seq"] for view in world.by_kind["end_view"]}
    for call in world.by_kind["call"]:
        done = world.done.get(call["op"], {})
        if call["what"] == "read" and done.get("status") == 200:
            marker = final.get((call["user"], call["room"]))
            if done["read_seq"] < call["seq"] or (marker is not None and marker < done["read_seq"]):
                yield Anomaly("marker", f"read up to {call['seq']}, and the marker ended at {marker}", (call, done))
    for user in set(world.users.values()):
        highest: dict[str, int] = {}
        for _, event in sorted(world.log[user].items()):
            if event["type"] == "read.updated":
                room, seq = event["data"]["room_id"], event["data"]["read_seq"]
                if seq < highest.get(room, 0):
                    yield Anomaly("marker", f"the marker of {user} went back", (event, highest[room]))
                highest[room] = seq


def check_folds(world: World) -> Iterator[Anomaly]:
    """A device's last version of a message is the message's version."""
    final = {row["id"]: row["version"] for row in world.messages}
    known: dict[tuple[str, str], int] = {}
    for record in world.by_kind["event"]:
        data = world.bodies[record["key"]]["data"] if record["seq"] is not None else {}
        if "version" in data:  # a whole message, or a part of one
            key = record["device"], data["id"]
            known[key] = max(known.get(key, 0), data["version"])
    finished = {record["device"] for record in world.by_kind["finish"]}
    begun = {(record["device"], record["stream"]): record["after"] for record in world.by_kind["start"]}
    rooms = {row["id"]: row["room_id"] for row in world.messages}
    for (device, message), version in known.items():
        if message not in final:
            yield Anomaly("phantom", f"{device} knows the message {message}, which is nowhere")
        elif device in finished and world.is_member(world.users[device], rooms[message]):
            if final[message] <= begun[device, rooms[message]]:
                continue  # the device forgot everything since, and began anew after that
            if version < final[message] and world.sees(world.users[device], rooms[message], final[message]):
                yield Anomaly("fold", f"{device} ends with version {version} of {message}, it is {final[message]}")
