"""What happened: recorded with the change in one transaction, told to whoever listens after it is committed."""

from api.events.log import Log, lock_heads, notify, on_committed, recording

__all__ = ["Log", "lock_heads", "notify", "on_committed", "recording"]
