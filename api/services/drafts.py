"""Drafts: texts that a user has not sent yet, one for each room and thread. They are not in the log."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef

from accounts.models import Session
from api.models import Draft, Member, Message
from api.serializers.drafts import render_draft, render_no_draft
from api.services.members.access import find_member
from api.services.reads import find_root
from eventlog.transaction import record_events
from wire.budget import ANSWER_BYTES
from wire.pagination import paginate
from wire.problems import invalid

MAX_DRAFTS = 1_000  # of a user; the oldest are given up


def put_draft(
    *,
    session: Session,
    room_id: UUID,
    text: str,
    metadata: Mapping[str, Any] | None = None,
    reply_to: UUID | None = None,
    thread_root: UUID | None = None,
) -> dict[str, Any]:
    """Keep the draft of a room or of a thread; returns it. The user's other devices are notified of a change.

    Raises Problem not_found (room, thread), room.not_member or request.invalid (reply_to).
    """
    user_id = session.user_id
    # The lock of the inbox: a leave holds it too and deletes the drafts, and no other draft is written meanwhile.
    with record_events(inboxes=[user_id], session=session) as log:
        member = find_member(user_id, room_id)
        if thread_root is not None:
            find_root(member, thread_root)
        if reply_to is not None and not Message.objects.visible_to(member).filter(pk=reply_to).exists():
            raise invalid("reply_to", "not_found", "There is no such message in this room.")
        content = {"text": text, "metadata": dict(metadata or {}), "reply_to": reply_to}
        place = thread_root or room_id
        draft = Draft.objects.filter(user=user_id, room=room_id, place=place).first()
        if draft is None:
            draft = Draft(user_id=user_id, room_id=room_id, place=place)
            oldest = Draft.objects.filter(user=user_id).order_by("-updated_at", "-id")
            Draft.objects.filter(pk__in=list(oldest.values_list("pk", flat=True)[MAX_DRAFTS - 1 :])).delete()
        elif all(getattr(draft, name) == value for name, value in content.items()):
            return render_draft(draft)
        for name, value in content.items():
            setattr(draft, name, value)
        draft.updated_at = log.now
        draft.save()
        shape = render_draft(draft)
        log.emit_ephemeral(user_id, "draft.updated", user_id, shape, min_seq=0)
    return shape


def delete_draft(*, session: Session, room_id: UUID, thread_root: UUID | None = None) -> None:
    """Delete the draft of a room or of a thread, if there is one. Raises Problem not_found or room.not_member."""
    user_id = session.user_id
    with record_events(inboxes=[user_id], session=session) as log:
        find_member(user_id, room_id)
        deleted, _ = Draft.objects.filter(user=user_id, room=room_id, place=thread_root or room_id).delete()
        if deleted:
            shape = render_no_draft(room_id, thread_root, log.now)
            log.emit_ephemeral(user_id, "draft.updated", user_id, shape, min_seq=0)


def list_drafts(
    *, user_id: UUID, cursor: str | None = None, limit: int, max_bytes: int = ANSWER_BYTES
) -> dict[str, Any]:
    """Return a page of the user's drafts, the newest first."""
    rooms = Member.objects.joined().filter(room_id=OuterRef("room_id"), user_id=user_id)
    drafts = Draft.objects.filter(Exists(rooms), user=user_id)
    page = paginate(drafts, order=("-updated_at", "-id"), cursor=cursor, limit=limit)
    return page.as_dict_within(max_bytes, lambda rows: [render_draft(row) for row in rows])
