"""The hub of this process, and the receivers that hand it commits and ended sessions."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings

from accounts.models import Session
from eventlog.models import Event
from realtime.admission import lag
from realtime.database import DatabaseLog
from realtime.hub import Hub
from realtime.jobs import run_jobs_forever
from realtime.mail import send_mail_forever
from realtime.presence import leases
from realtime.presence.states import Activity
from realtime.receipts import write_markers_forever

_hub: Hub | None = None


def get_hub() -> Hub:
    """Return the hub of this process.

    The first call starts it on the running event loop, with the background jobs and the outgoing mail.
    """
    global _hub
    if _hub is None:
        layer = get_channel_layer()
        # An in-memory layer reaches no other process: without Redis, the others find new events when they sweep.
        _hub = Hub(DatabaseLog(), None if isinstance(layer, InMemoryChannelLayer) else layer)
        _hub.start_tasks()
        lag.watch()
        _hub.spawn(send_mail_forever())
        _hub.spawn(write_markers_forever())
        if settings.RUN_JOBS:
            _hub.spawn(run_jobs_forever())
    return _hub


def publish_events(events: Sequence[Event], **_: Any) -> None:
    """Receive `events_committed`. A process without a hub, such as a management command, leaves it to the sweep."""
    if _hub is not None:
        _hub.committed(events)


def close_sockets(ids: Sequence[UUID], **_: Any) -> None:
    """Receive `sessions_ended`: the hub closes the sockets of these sessions, here and in other processes."""
    if _hub is not None:
        _hub.sessions_ended(ids)


def set_presence(session: Session, activity: Activity) -> None:
    """Set the activity of all devices of a session, here and in other processes."""
    choice = leases.choose(session.pk, session.user_id, activity)
    if _hub is not None:
        _hub.presence.chosen(choice)


def end_waiters() -> None:
    """Answer the requests that wait for events, because the server ends."""
    if _hub is not None:
        _hub.waiters.close()


def with_hub(application: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Start the hub with the first request of any kind, so that a process which answers only REST publishes too."""

    async def run(scope: dict[str, Any], receive: Any, send: Any) -> None:
        get_hub()
        await application(scope, receive, send)

    return run
