"""The actions of a schedule: writes of users, and faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from realtime.ephemeral import ephemeral_event
from realtime.log_entry import EventBatch
from tests.sim.log import INBOX, SHARED, SINCE_JOINED, USERS

if TYPE_CHECKING:
    from tests.sim.world import CommittedEvent, Process, World

Change = Callable[["World", str], "list[CommittedEvent]"]  # the events of one transaction; none: nothing changes
Action = Callable[["World"], None]


def _room(world: World) -> str:
    return world.rng.choice((SHARED, SHARED, SINCE_JOINED, SINCE_JOINED, INBOX))


def send(world: World) -> None:
    world.transact(_room(world), _send)


def _send(world: World, stream: str) -> list[CommittedEvent]:
    return [world.commit_message(stream, world.rng.randrange(3))]


def send_many(world: World) -> None:
    stream = _room(world)
    for _ in range(world.rng.choice((3, 8, 20))):
        world.transact(stream, _send)


def edit(world: World) -> None:
    world.transact(_room(world), _edit)


def delete(world: World) -> None:
    world.transact(_room(world), _delete)


def _edit(world: World, stream: str) -> list[CommittedEvent]:
    message = _some_message(world, stream)
    if message is None:
        return []
    return [world.commit_whole(stream, "message.edited", message, text=f"c{next(world.texts)}")]


def _delete(world: World, stream: str) -> list[CommittedEvent]:
    message = _some_message(world, stream)
    if message is None:
        return []
    return [world.commit_whole(stream, "message.deleted", message, text=None, deleted_at="now")]


def react(world: World) -> None:
    """Change parts of messages: reactions to one message, several in one transaction, or a pin."""
    world.transact(_room(world), _react)


def _react(world: World, stream: str) -> list[CommittedEvent]:
    message = _some_message(world, stream)
    if message is None:
        return []
    kind = world.rng.choice(("reaction.changed", "reaction.changed", "pin.added", "pin.removed"))
    return [world.commit_part(stream, kind, message) for _ in range(world.rng.choice((1, 1, 3)))]


def reply(world: World) -> None:
    """Reply in a thread: the reply, and a part of its root, in one transaction."""
    world.transact(_room(world), _reply)


def _reply(world: World, stream: str) -> list[CommittedEvent]:
    root = _some_message(world, stream)
    return [*_send(world, stream), *([world.commit_part(stream, "thread.changed", root)] if root else [])]


def block(world: World) -> None:
    """Block a user, or end the block, and let that user write."""
    world.transact(INBOX, _block)
    world.loop.run_for(0.02)
    world.transact(_room(world), _send)


def _block(world: World, stream: str) -> list[CommittedEvent]:
    user = world.rng.choice([user for user in USERS[:3] if user != INBOX])
    is_blocked = user in world.log.past.blocks_of(INBOX)[1]
    return [world.commit(INBOX, "block.removed" if is_blocked else "block.added", {"user_id": user})]


def purge(world: World) -> None:
    world.transact(world.rng.choice((SHARED, SINCE_JOINED)), _purge)


def _purge(world: World, stream: str) -> list[CommittedEvent]:
    head = world.log.head(stream)
    return [world.commit(stream, "messages.purged", {"before_seq": world.rng.randint(max(1, head - 12), head + 1)})]


def _some_message(world: World, stream: str) -> str | None:
    rows = world.log.past.rows[stream][-12:]
    alive = [row.message for row in rows if row.message and row.deleted_by is None and row.kind != "message.deleted"]
    return world.rng.choice(alive) if alive else None


def remove(world: World) -> None:
    stream, user = world.rng.choice((SHARED, SINCE_JOINED)), world.rng.choice(USERS[1:])
    world.transact(stream, lambda world, stream: _toggle(world, stream, user, False))
    world.loop.run_for(0.01)
    if world.rng.random() < 0.5:
        emit_ephemeral_in(world, stream)


def add(world: World) -> None:
    stream, user = world.rng.choice((SHARED, SINCE_JOINED)), world.rng.choice(USERS[1:])
    world.transact(stream, lambda world, stream: _toggle(world, stream, user, True))


def remove_and_add(world: World) -> None:
    stream, user = world.rng.choice((SHARED, SINCE_JOINED)), world.rng.choice(USERS[1:])
    world.transact(stream, lambda world, stream: _toggle(world, stream, user, False))
    for _ in range(world.rng.choice((0, 1, 4))):
        world.transact(stream, _send)
    world.loop.run_for(0.01)
    world.transact(stream, lambda world, stream: _toggle(world, stream, user, True))


def _toggle(world: World, stream: str, user: str, joins: bool) -> list[CommittedEvent]:
    """Add a member, or remove one, who is perhaps banned in the same transaction."""
    if (user in world.members(stream)) == joins:
        return []
    data = {"user": {"id": user}}
    toggled = [world.commit(stream, "member.joined" if joins else "member.removed", data)]
    if not joins and world.rng.random() < 0.4:
        toggled.append(world.commit(stream, "ban.created", {**data, "until": None}))
    return toggled


def emit_ephemeral(world: World) -> None:
    emit_ephemeral_in(world, world.rng.choice((SHARED, SINCE_JOINED)))


def emit_ephemeral_in(world: World, stream: str) -> None:
    """Emit an ephemeral event, as for a typing member: read the head, and send the event a little later."""
    rng = world.rng
    process = rng.choice(world.processes)
    head, epoch = world.log.head(stream), world.log.past.epoch
    batch = ephemeral_event(stream, "sim.ephemeral", {"min": head, "epoch": epoch})
    world.loop.call_later(rng.choice((0.0, 0.002, 0.1)), _emit, process, stream, batch, head)


def _emit(process: Process, stream: str, batch: EventBatch, head: int) -> None:
    if process.up:
        process.hub.read_markers.send(stream, batch, head)


def cut(world: World) -> None:
    device = world.rng.choice(world.devices)
    device.lose(world.rng.choice((0.0, 0.01, 0.5)))


def reconnect(world: World) -> None:
    up = [process for process in world.processes if process.up]
    away = [device for device in world.devices if device.socket is None]
    if up and away:
        world.rng.choice(away).connect(world.rng.choice(up))


def move(world: World) -> None:
    cut(world)
    reconnect(world)


def subscribe(world: World) -> None:
    device = world.rng.choice(world.devices)
    device.subscribe(world.rng.choice(device.wanted))


def unsubscribe(world: World) -> None:
    device = world.rng.choice(world.devices)
    device.unsubscribe(world.rng.choice(device.wanted))


def stall(world: World) -> None:
    device = world.rng.choice(world.devices)
    if device.socket is not None:
        device.socket.send_queue.stall(world.rng.choice((0.01, 0.1, 1.5)))


def crash(world: World) -> None:
    process = world.rng.choice(world.processes)
    if process.up:
        process.crash()
        world.loop.call_later(world.rng.uniform(0.05, 1.0), process.start)


def freeze_layer(world: World) -> None:
    world.network.freeze()
    world.loop.call_later(world.rng.choice((0.1, 0.5, 2.5)), world.network.thaw)


def break_layer(world: World) -> None:
    world.network.down = world.rng.random() < 0.5
    for process in world.processes:
        if process.up and world.rng.random() < 0.7:
            process.layer.break_off()
    world.loop.call_later(0.5, setattr, world.network, "down", False)


def lose_database(world: World) -> None:
    world.log.away = True
    world.loop.call_later(world.rng.choice((0.05, 0.6)), setattr, world.log, "away", False)


def rewind(world: World) -> None:
    """Restore a backup while the servers run; the database is away meanwhile."""
    if world.log.away:
        return
    world.rewound = world.log.away = True
    world.loop.run_for(world.rng.choice((0.05, 1.0)))
    world.log.rewind()
    world.log.away = False


def slow_log(world: World) -> None:
    world.log.slowness = world.rng.choice((0.0, 0.1, 0.6))


def pause(world: World) -> None:
    """Let a minute pass without events, so that feeds without sockets and paused subscriptions end."""
    world.paused = True
    world.loop.run_for(61.5)


def look(world: World) -> None:
    world.look_into_rings()


CHOICES: dict[Action, float] = {
    send: 24,
    send_many: 6,
    edit: 5,
    delete: 5,
    react: 9,
    reply: 4,
    block: 2,
    purge: 1,
    remove: 5,
    add: 6,
    remove_and_add: 5,
    emit_ephemeral: 6,
    cut: 4,
    reconnect: 8,
    move: 4,
    subscribe: 6,
    unsubscribe: 2,
    stall: 6,
    crash: 1.5,
    freeze_layer: 1,
    break_layer: 1,
    lose_database: 1,
    rewind: 0.5,
    slow_log: 2,
    pause: 0.1,
    look: 2,
}
