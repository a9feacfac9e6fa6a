"""Blocks: a user blocks others, lists them, and unblocks them. Each change is one event in the user's inbox.

A block is private to its user. Both can still read their direct room, and neither can write there.
"""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, UUIDField
from django.db.models.functions import Now

from accounts.models import Session, User
from api.models import Block, BlockList, Room
from api.models.rooms import direct_key
from api.serializers.blocks import render_block
from eventlog.models import Epoch
from eventlog.transaction import EventTransaction, record_events
from wire.compiled_query import CompiledQuery, list_param
from wire.pagination import paginate
from wire.problems import Problem, define, invalid

MAX_BLOCKS = 1_000  # of a user: each subscription of theirs keeps the ids

define("block.limit", 409, "Too many blocks")


class BlockState(NamedTuple):
    """The users whom one user blocks, as ids in text, as of the seq of the last change and the epoch of the log."""

    epoch: int
    seq: int
    ids: frozenset[str]


def block_user(*, session: Session, user_id: UUID) -> dict[str, Any]:
    """Block a user and return the Block; one that exists stays unchanged.

    The head of the direct room of the two is locked first: a send there is either in the log before the block, or is
    refused. Raises Problem not_found, request.invalid (oneself) or block.limit.
    """
    my_id = session.user_id
    if user_id == my_id:
        raise invalid("user_id", "self", "Block another user.")
    room_ids: list[UUID] = []
    while True:
        with record_events(rooms=room_ids, inboxes=[my_id], session=session) as log:
            # Both inboxes are locked when a direct room is created, so under the lock of one there is no new one.
            direct = list(Room.objects.filter(direct_key=direct_key(my_id, user_id)).values_list("pk", flat=True))
            if set(direct) <= set(room_ids):
                return _block(log, my_id, user_id)
        room_ids = direct


def _block(log: EventTransaction, my_id: UUID, user_id: UUID) -> dict[str, Any]:
    existing = Block.objects.select_related("blocked").filter(user=my_id, blocked=user_id).first()
    if existing is not None:
        return render_block(existing)
    user = User.objects.filter(pk=user_id, deleted_at=None).first()
    if user is None:
        raise Problem("not_found", "There is no such user.")
    if BlockList.objects.filter(pk=my_id, size__gte=MAX_BLOCKS).exists():
        raise Problem("block.limit", f"You block {MAX_BLOCKS} users. Unblock one to block another.")
    block = Block.objects.create(user_id=my_id, blocked=user, created_at=log.at)
    _append(log, my_id, "block.added", user_id, +1)
    return render_block(block)


def unblock_user(*, session: Session, user_id: UUID) -> None:
    """Remove a block; without one nothing changes."""
    my_id = session.user_id
    with record_events(inboxes=[my_id], session=session) as log:
        number, _ = Block.objects.filter(user=my_id, blocked=user_id).delete()
        if number:
            _append(log, my_id, "block.removed", user_id, -1)


def _append(log: EventTransaction, my_id: UUID, event_type: str, user_id: UUID, change: int) -> None:
    """Append the event, alone in its transaction: the hub looks at the first event of an inbox."""
    event = log.append(my_id, event_type, my_id, {"user_id": user_id})
    values = {"changed_seq": event.seq, "changed_at": Now()}
    BlockList.objects.update_or_create(
        user_id=my_id, defaults={"size": F("size") + change, **values}, create_defaults={"size": change, **values}
    )


def list_blocks(*, user_id: UUID, cursor: str | None = None, limit: int) -> dict[str, Any]:
    """Return a page of the user's blocks, the newest first."""
    blocks = Block.objects.filter(user=user_id).select_related("blocked")
    page = paginate(blocks, order=["-created_at", "-id"], cursor=cursor, limit=limit)
    return page.as_dict(lambda rows: [render_block(block) for block in rows])


def read_block_state(user_id: UUID) -> BlockState:
    """Read the blocks of one user, also of one who never blocked anybody."""
    return read_block_states([user_id]).get(user_id) or BlockState(Epoch.current(), 0, frozenset())


def read_block_states(user_ids: Collection[UUID]) -> dict[UUID, BlockState]:
    """Read the blocks of users, in one statement; users who never blocked anybody are left out."""
    states: dict[UUID, BlockState] = {}
    blocked: dict[UUID, set[str]] = {}
    for user_id, seq, epoch, blocked_id in _read_states(user_ids=list(user_ids)):
        ids = blocked.setdefault(user_id, set())
        if blocked_id is not None:
            ids.add(str(blocked_id))
        states[user_id] = BlockState(epoch, seq, frozenset())
    return {user_id: state._replace(ids=frozenset(blocked[user_id])) for user_id, state in states.items()}


_read_states = CompiledQuery(
    lambda: (
        BlockList.objects.filter(pk__any_of=list_param("user_ids", UUIDField()))
        .annotate(epoch=Epoch.as_expression())
        .values_list("user_id", "changed_seq", "epoch", "user__blocks__blocked_id")
    )
)
