"""Events: recorded with the change in one transaction, published after its commit."""

from api.events.log import LOOK_AGAIN_MS, Log, find_or_make, lock_heads, notify, on_committed, record_events

__all__ = ["LOOK_AGAIN_MS", "Log", "find_or_make", "lock_heads", "notify", "on_committed", "record_events"]
