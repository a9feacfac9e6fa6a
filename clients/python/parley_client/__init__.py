"""An asyncio client of Parley: each message is sent once and shown once, offline and through lost connections."""

from parley_client.client import Parley
from parley_client.connection import End, Status, TokenReason, TokenSource
from parley_client.errors import Refused
from parley_client.outbox import Sent
from parley_client.room import Room
from parley_client.store import MemoryStore, SqliteStore, Store

__all__ = [
    "End",
    "MemoryStore",
    "Parley",
    "Refused",
    "Room",
    "Sent",
    "SqliteStore",
    "Status",
    "Store",
    "TokenReason",
    "TokenSource",
]
