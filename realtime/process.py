"""The one hub of this process, and the ports through which it hears of commits and of ended sessions."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from channels.layers import InMemoryChannelLayer, get_channel_layer

from api.models import Event
from realtime.database import DatabaseLog
from realtime.hub import Hub
from realtime.jobs import run_jobs_forever

_hub: Hub | None = None


def get_hub() -> Hub:
    """The hub of this process, started on the running event loop at the first call, with the background jobs."""
    global _hub
    if _hub is None:
        layer = get_channel_layer()
        # Nobody else hears a layer that is in memory: without Redis, other processes sweep.
        _hub = Hub(DatabaseLog(), None if isinstance(layer, InMemoryChannelLayer) else layer)
        _hub.start_tasks()
        _hub.spawn(run_jobs_forever())
    return _hub


def tell_committed(events: Sequence[Event]) -> None:
    """The port of api.events: without a hub, as in a management command, the sweep of others delivers."""
    if _hub is not None:
        _hub.committed(events)


def tell_sessions_ended(ids: Sequence[UUID]) -> None:
    """The port of accounts.events."""
    if _hub is not None:
        _hub.sessions_ended(ids)


def with_hub(application: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Start the hub with the first request of any kind: a process that only answers REST tells the others too."""

    async def run(scope: dict[str, Any], receive: Any, send: Any) -> None:
        get_hub()
        await application(scope, receive, send)

    return run
