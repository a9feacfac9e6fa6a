"""Acknowledged writes are in the log, once, at the acknowledged seq; rejected writes are not."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tests.chaos.checker.world import Anomaly, World, moment
from tests.chaos.history import Record

Key = tuple[str, str, str]


def check_log(world: World) -> Iterator[Anomaly]:
    """Seqs have no hole, heads agree, and time does not run backwards."""
    heads = {row["stream"]: row["last_seq"] for record in world.by_kind["end_head"] for row in record["rows"]}
    for stream, events in world.log.items():
        seqs = sorted(events)
        if seqs != list(range(1, len(seqs) + 1)):
            missing = sorted(set(range(1, max(seqs) + 1)) - set(seqs))[:5]
            yield Anomaly("gapless", f"stream {stream} has no {missing}", (seqs[-3:],))
        if heads.get(stream) != max(seqs, default=0):
            yield Anomaly("gapless", f"the head of {stream} is {heads.get(stream)}, its last event {max(seqs)}")
        for one, other in pairwise(seqs):
            if moment(events[other]["at"]) < moment(events[one]["at"]):
                yield Anomaly("time", f"{stream}: {other} is older than {one}", (events[one], events[other]))


# A retry of a stored message is answered with it before any rule is checked.
REJECTED_RETRIES = ("message.client_id_reused", "not_found", "room.muted", "room.read_only", "room.slow_mode")


def sends(world: World) -> dict[Key, list[Record]]:
    """All attempts of each message, by room, user and client_id."""
    found: dict[Key, list[Record]] = defaultdict(list)
    for call in world.by_kind["call"]:
        if call["what"] == "send":
            found[call["room"], call["user"], call["client_id"]].append(call)
    return found


def check_sends(world: World) -> Iterator[Anomaly]:
    """An acknowledged message is in the log once, a rejected one is not, and every message has its send."""
    rows = defaultdict(list)
    for room in world.rooms:
        for event in world.log[room].values():
            if event["type"] == "message.created":
                data = event["data"]
                rows[room, data["sender"]["id"], data["client_id"]].append(event)
    attempts = sends(world)
    for key, events in rows.items():
        if len(events) > 1:
            yield Anomaly("once", f"client_id {key[2]} made {len(events)} messages", tuple(events))
        if key not in attempts:
            yield Anomaly("phantom", f"{key} was not sent", tuple(events))
    for key, calls in attempts.items():
        yield from _check_send(world, calls, [(event["seq"], event["data"]["id"]) for event in rows[key]])


def _check_send(world: World, calls: list[Record], found: list[tuple[int, str]]) -> Iterator[Anomaly]:
    answers = [world.done[call["op"]] for call in calls if call["op"] in world.done]
    good = [answer for answer in answers if answer["status"] in (200, 201)]
    for answer in good:
        if (answer["seq"], answer["id"]) not in found:
            yield Anomaly("durable", f"acknowledged as {answer['seq']}, and the log has {found}", (*calls, answer))
    refused = [answer for answer in answers if answer["status"] is not None and 400 <= answer["status"] < 500]
    if found and len(refused) == len(calls):
        yield Anomaly("refused", f"every attempt was refused, and the log has {found}", (*calls, *refused))
    first_good = min((answer["t"] for answer in good), default=float("inf"))
    for call in calls:
        answer = world.done.get(call["op"], {})
        if call["t"] > first_good and answer.get("code") in REJECTED_RETRIES:
            yield Anomaly("once", "a retry of an acknowledged send was rejected", (*calls, *answers))


def check_order(world: World) -> Iterator[Anomaly]:
    """A message acknowledged before another was sent has the lower seq."""
    by_room: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
    for (room, _, _), calls in sends(world).items():
        good = [done for call in calls if (done := world.done.get(call["op"], {})).get("status") in (200, 201)]
        if good:
            by_room[room].append((calls[0]["t"], min(done["t"] for done in good), good[0]["seq"]))
    for room, spans in by_room.items():
        ended = sorted(spans, key=lambda span: span[1])
        highest, index = 0, 0
        for began, _, seq in sorted(spans):
            while index < len(ended) and ended[index][1] < began:
                highest = max(highest, ended[index][2])
                index += 1
            if seq < highest:
                yield Anomaly("real time", f"{room}: {seq} was sent after {highest} had been acknowledged")


def check_answers(world: World) -> Iterator[Anomaly]:
    """Every call ended, none in an unexpected exception, and the servers' logs hold no secret."""
    for call in world.by_kind["call"]:
        done = world.done.get(call["op"])
        if done is None:
            yield Anomaly("no hang", "a call never ended", (call,))
        elif done["status"] == 500:
            yield Anomaly("no crash", "an internal error", (call, done))
    for record in world.by_kind["log"]:
        if record["secrets"]:
            yield Anomaly("secrets", f"the log of server {record['server']} holds {record['secrets'][:3]}")


def check_changes(world: World) -> Iterator[Anomaly]:
    """An acknowledged edit or deletion is in the log."""
    texts = {event["data"]["text"] for room in world.rooms for event in world.log[room].values() if _is_message(event)}
    for call in world.by_kind["call"]:
        done = world.done.get(call["op"], {})
        if call["what"] == "edit" and done.get("status") == 200:
            if call["text"] not in texts and call["message"] not in world.deleted:
                yield Anomaly("durable", "an acknowledged edit is not in the log", (call, done))
        elif call["what"] == "delete" and done.get("status") == 204 and call["message"] not in world.deleted:
            yield Anomaly("durable", "an acknowledged deletion is not in the log", (call, done))


def check_bases(world: World) -> Iterator[Anomaly]:
    """Each event with a part of a message builds on the event about the message before it."""
    for room in world.rooms:
        versions: dict[str, int] = {}
        for seq, event in sorted(world.log[room].items()):
            data = event["data"]
            if "base_version" in data and data["base_version"] != versions.get(data["id"]):
                yield Anomaly("base", f"the version before this event is {versions.get(data['id'])}", (event,))
            if "base_version" in data or _is_message(event):
                versions[data["id"]] = seq


def check_reactions(world: World) -> Iterator[Anomaly]:
    """A reaction is added and removed in turn, and an acknowledged one is in the log."""
    reacted: dict[tuple[str, str, str], bool] = {}
    for room in world.rooms:
        for _, event in sorted(world.log[room].items()):
            if event["type"] != "reaction.changed":
                continue
            change = event["data"]["change"]
            key = (event["data"]["id"], change["user_id"], change["key"])
            if reacted.get(key, False) is change["on"]:
                yield Anomaly("once", "a reaction changed to the state that it had", (event,))
            reacted[key] = change["on"]
    for call in world.by_kind["call"]:
        is_added = call["what"] == "react" and call["on"] and world.done.get(call["op"], {}).get("status") == 200
        if is_added and (call["message"], call["user"], call["key"]) not in reacted:
            yield Anomaly("durable", "an acknowledged reaction is not in the log", (call,))


def check_tombstones(world: World) -> Iterator[Anomaly]:
    """The text of a deleted message is nowhere in the log."""
    for room in world.rooms:
        for event in world.log[room].values():
            if _is_message(event) and event["data"]["id"] in world.deleted and event["data"]["text"] is not None:
                yield Anomaly("deleted", "the log still holds the text of a deleted message", (event,))


def _is_message(event: Record) -> bool:
    return str(event["type"]).startswith("message.")
