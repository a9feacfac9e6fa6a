"""Threads of a user: the list, following and no longer following."""

from typing import Any
from uuid import UUID

import orjson
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest

from accounts.models import Session
from api.models import Block, Message, Reaction, Thread
from api.models.choices import History
from api.models.visibility import is_in_period
from api.serializers.message_shape import complete, reactions_of, render_stored
from api.serializers.stubs import hide_message
from api.services.members.access import find_member
from api.services.reads import UNREAD_EXACT, RowCount, ensure_follow, find_root
from eventlog.models import StreamHead
from eventlog.transaction import record_events
from wire.budget import ANSWER_BYTES
from wire.moving import paginate_moving
from wire.problems import Problem


def list_threads(
    *, user_id: UUID, unread: bool = False, cursor: str | None = None, limit: int, max_bytes: int = ANSWER_BYTES
) -> dict[str, Any]:
    """Return a page of the threads that the user follows, or of those with unread replies, newest activity first.

    A thread that gets a reply meanwhile comes (again) on the last page. `mine` has the user's own reactions.
    """
    # My own message is a thread from its first reply on; before that no event could tell my devices that it is listed.
    threads = _threads(user_id).exclude(root__sender=user_id, last_seq=F("root_seq"))
    if unread:
        threads = threads.unread(user_id)
    page = paginate_moving(threads, order=("-active_at", "-root_id"), moved_at="active_at", cursor=cursor, limit=limit)
    blocked = Block.objects.blocked_by(user_id)
    shown = [
        complete(data.encode()) for row in page.rows for data in (row.root.data, row.last_reply) if data is not None
    ]
    return {
        **page.as_dict_within(max_bytes, lambda rows: [_render(row, blocked) for row in rows]),
        "mine": Reaction.objects.keys_of(user_id, reactions_of(shown)),
    }


def follow_thread(*, session: Session, room_id: UUID, thread_root: UUID) -> dict[str, Any]:
    """Follow a thread, which is read up to the room's head; returns it as `list_threads` does.

    Raises Problem not_found or room.not_member.
    """
    _set_following(session, room_id, thread_root, True)
    thread = _threads(session.user_id).filter(pk=thread_root).first()
    if thread is None:  # the user has left the room since, or unfollowed it on another device
        raise Problem("not_found", "There is no such message.")
    return _render(thread, Block.objects.blocked_by(session.user_id))


def unfollow_thread(*, session: Session, room_id: UUID, thread_root: UUID) -> None:
    """No longer follow a thread until the user replies or is mentioned in it again.

    Raises Problem not_found or room.not_member.
    """
    _set_following(session, room_id, thread_root, False)


def _set_following(session: Session, room_id: UUID, thread_root: UUID, following: bool) -> None:
    """Change whether the user follows a thread. Without a change no event is written."""
    user_id = session.user_id
    with record_events(inboxes=[user_id], session=session) as log:
        root = find_root(find_member(user_id, room_id), thread_root)
        found = ensure_follow(user_id, root)
        # A reply changes the row too, under the lock of the room. The head is read after the row is locked: a reply up
        # to it came before, and a later one lets the user follow again.
        if found.select_for_update(no_key=True).get().following == following:
            return
        [head] = StreamHead.objects.filter(pk=room_id).values_list("last_seq", flat=True)
        found.update(following=following, read_seq=Greatest(F("read_seq"), head) if following else F("read_seq"))
        data = {"room_id": room_id, "thread_root": root.pk, "seq": head}
        log.append(user_id, "thread.followed" if following else "thread.unfollowed", user_id, data)


def _threads(user_id: UUID) -> Any:  # a QuerySet of threads with annotations
    replies = Message.objects.in_line(OuterRef("pk"))
    is_shared = Q(room__history=History.SHARED)
    newest = replies.filter(is_shared | Q(is_in_period(OuterRef("room_id"), user_id))).order_by("-seq")
    unread: QuerySet[Any] = Thread.unread_replies(user_id).values("pk")[: UNREAD_EXACT + 1]
    followed = Thread.objects.followed_by(user_id).select_related("root__room")
    return followed.annotate(counted=RowCount(unread), last_reply=Subquery(newest.values("data")[:1]))


def _render(thread: Any, blocked: frozenset[str]) -> dict[str, Any]:
    """Render a row of `_threads` for a viewer who blocks these users, as FollowSerializer documents it."""
    room = thread.root.room
    newest = hide_message(render_stored(room, thread.last_reply), blocked) if thread.last_reply else None
    return {
        "root": orjson.Fragment(hide_message(render_stored(room, thread.root.data), blocked)),
        "room_id": room.pk,
        "following": True,
        "read_seq": thread.marker,
        "unread": min(thread.counted, UNREAD_EXACT),
        "unread_capped": thread.counted > UNREAD_EXACT,
        "last_reply": orjson.Fragment(newest) if newest else None,
    }
