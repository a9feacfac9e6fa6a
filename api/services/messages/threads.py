"""Replies in threads, as a send writes them: the summary on the root, and who follows the thread."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import orjson
from django.db import connection

from api.models import Message, Thread, ThreadFollow
from api.serializers.message_shape import complete
from api.serializers.threads import render_changed, render_thread
from eventlog.transaction import EventTransaction
from wire import strict_json
from wire.row_tables import rows_as_table

Roots = Mapping[UUID, Message]
Follows = dict[tuple[UUID, UUID], ThreadFollow]  # by thread and user

_MESSAGE = Message._meta.db_table
_UPDATE = f"""UPDATE {_MESSAGE} SET data = changed.data, version = changed.version
              FROM {{changed}} WHERE {_MESSAGE}.id = changed.id"""


def find_roots(ids: Collection[UUID]) -> dict[UUID, Message]:
    """Read the messages whose threads are named."""
    names = ("room_id", "seq", "version", "sender_id", "created_at", "deleted_at", "thread_root", "data")
    return Message.objects.only(*names).in_bulk(ids) if ids else {}


def record_replies(log: EventTransaction, replies: Sequence[Message], roots: Roots) -> None:
    """Write what these new replies, in order, change of their threads: one `thread.changed` for each root.

    Their rooms are locked. No inbox is: followers derive what changes for them from `message.created`.
    """
    by_root: dict[UUID, list[Message]] = {}
    for reply in replies:
        if reply.thread_root is not None:
            by_root.setdefault(reply.thread_root, []).append(reply)
    if not by_root:
        return
    Thread.objects.bulk_create(
        [
            Thread(root_id=root, root_seq=roots[root].seq, last_seq=own[-1].seq, active_at=own[-1].created_at)
            for root, own in by_root.items()
        ],
        update_conflicts=True,
        unique_fields=["root"],
        update_fields=["last_seq", "active_at"],
    )
    _follow(by_root, roots)
    changed = [_append_changed(log, roots[root], own) for root, own in by_root.items()]
    rows, parameters = rows_as_table(
        "changed",
        id=("uuid", [root.pk for root in changed]),
        version=("bigint", [root.version for root in changed]),
        data=("text", [root.data for root in changed]),
    )
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE.format(changed=rows), parameters)


def _append_changed(log: EventTransaction, root: Message, replies: Sequence[Message]) -> Message:
    """Append thread.changed, and set the new state of the root. The event has no `message_id`: a deletion keeps it."""
    shape = orjson.loads(complete(root.data))
    version = log.next_seq(root.room_id)
    thread = render_thread(shape["thread"], replies)
    log.append(root.room_id, "thread.changed", replies[-1].sender_id, render_changed(root, version, thread))
    root.version, root.data = version, strict_json.dumps(shape | {"version": version, "thread": thread}).decode()
    return root


def _follow(by_root: Mapping[UUID, Sequence[Message]], roots: Roots) -> None:
    """Let the senders, those whom a reply names and the sender of the root follow the threads."""
    replied = [reply for own in by_root.values() for reply in own]
    shapes = {reply.pk: orjson.loads(reply.data)["mentions"]["users"] for reply in replied}
    named = {pk: set(map(UUID, users)) for pk, users in shapes.items()}
    users = {reply.sender_id for reply in replied}.union(*named.values())
    users |= {roots[root].sender_id for root in by_root}
    rows = ThreadFollow.objects.filter(thread__in=by_root, user__in=users).order_by("pk")
    known: Follows = {(row.thread_id, row.user_id): row for row in rows.select_for_update(no_key=True)}
    before = {key: (row.following, row.read_seq) for key, row in known.items()}
    for root_id, replies in by_root.items():
        root = roots[root_id]
        # The sender of the root follows it from the first reply on, unless an unfollow came before.
        known.setdefault((root_id, root.sender_id), _row(root, root.sender_id, True, root.seq))
        for reply in replies:
            for user_id in named[reply.pk] - {reply.sender_id}:
                _come_to_follow(known, root, user_id, reply.seq - 1)
            _come_to_follow(known, root, reply.sender_id, reply.seq)
            known[root_id, reply.sender_id].read_seq = reply.seq
    changed = [row for key, row in known.items() if before.get(key) != (row.following, row.read_seq)]
    ThreadFollow.objects.bulk_create(
        [_row(roots[row.thread_id], row.user_id, row.following, row.read_seq) for row in changed],
        update_conflicts=True,
        unique_fields=["thread", "user"],
        update_fields=["following", "read_seq"],
    )


def _come_to_follow(known: Follows, root: Message, user_id: UUID, read_seq: int) -> None:
    """Let a user follow a thread, with the marker here; one who follows it already keeps the marker."""
    row = known.setdefault((root.pk, user_id), _row(root, user_id, False, read_seq))
    if not row.following:
        row.following, row.read_seq = True, max(row.read_seq, read_seq)


def _row(root: Message, user_id: UUID, following: bool, read_seq: int) -> ThreadFollow:
    return ThreadFollow(
        room_id=root.room_id, thread_id=root.pk, user_id=user_id, following=following, read_seq=read_seq
    )
