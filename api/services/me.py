"""The user of the request: the profile with its settings, and totals over all rooms."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any
from uuid import UUID

from accounts import services
from accounts.models import Session, User
from api.models import UserSettings
from api.serializers.me import render_myself
from api.services.reads import unread_counts
from eventlog.transaction import record_events


def get_me(*, user: User) -> dict[str, Any]:
    """Return Me."""
    total, is_capped = unread_total(user.pk)
    return {**render_myself(user), "unread_total": total, "unread_total_capped": is_capped}


def update_me(*, session: Session, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change the given fields of the profile and of the settings, and return Me.

    A change is one event in the inbox, for the other devices. Raises Problem as accounts.services.update_profile.
    """
    session = copy(session)
    session.user = User.objects.get(pk=session.user_id)  # that of a socket's session is as old as the socket
    changes = dict(changes)
    settings = changes.pop("settings", None)

    @contextmanager
    def change() -> Iterator[None]:
        with recorded(session.user_id, session):
            yield
            if settings:
                UserSettings.objects.update_or_create(user_id=session.user_id, defaults=settings)

    return get_me(user=services.update_profile(session=session, changes=changes, within=change))


@contextmanager
def recorded(user_id: UUID, session: Session | None = None) -> Iterator[None]:
    """Open a transaction in which a user, or without a session somebody else, changes what the user sees of themselves.

    A change is one event in the inbox, for all devices. A change of nothing is none.
    """
    # The inbox is locked before the user's row, as everybody locks who adds a user to a room.
    with record_events(inboxes=[user_id], session=session) as log:
        before = render_myself(User.objects.get(pk=user_id))
        yield
        after = render_myself(User.objects.get(pk=user_id))
        if after != before:
            log.append(user_id, "me.updated", session.user_id if session else None, after)


def unread_total(user_id: UUID) -> tuple[int, bool]:
    """Return the sum of the unread counts of the user's rooms, and whether one of them was capped."""
    counts = unread_counts(user_id).values()
    return sum(unread for unread, _ in counts), any(is_capped for _, is_capped in counts)
