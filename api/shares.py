"""Shares of the REST threads: one user or one room never uses all threads."""

import re
from collections.abc import MutableMapping
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.authentication import hash_token, user_of_token
from wire.shares import Keys, Shares

_PATH_OF_ROOM = re.compile(r"/v1/rooms/([0-9A-Fa-f-]{32,36})(?:/|$)(messages$)?")
_LISTS_OF_ROOM = "members|messages|messages/[^/]+/reactions|events|pins|links|invites|bans|mutes"
_LIST = re.compile(
    rf"/v1/(?:rooms(?:/directory|/[^/]+/(?:{_LISTS_OF_ROOM}))?|me/(?:events|blocks|drafts|invites|threads|mentions)"
    "|users|auth/sessions)$"
)
READS = 8  # of lists at once: about 4 MiB each, and as many connections of a pool of 20
READS_OF_USER = 2  # enough to keep a core busy


def make_shares(threads: int) -> Shares:
    """Return the number of threads for each kind of key.

    A list or a sync keeps its rows and its answer in several forms until it is rendered, so the number of these reads
    bounds the memory. A send waits without a connection for the commit of its batch, so sends may use many threads.
    Other writes hold a connection while they wait for a lock, and there are few connections: at least as many as the
    sockets have threads.
    """
    connections = settings.WS_DB_THREADS
    return Shares(
        {
            "user": max(1, connections // 2),
            "room": max(1, connections // 4),
            "writes": max(1, connections // 2),
            "sender": max(1, threads // 6),
            "audience": max(1, threads // 3),
            "reader": READS_OF_USER,
            "reads": READS,
        }
    )


def user_of(scope: MutableMapping[str, Any]) -> UUID | None:
    """Return the user of a request whose token was seen before."""
    token = _token_of(scope)
    return user_of_token(token) if token else None


def _token_of(scope: MutableMapping[str, Any]) -> str:
    authorization: bytes = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    return authorization.decode("latin-1").partition(" ")[2].strip()


def keys_of(scope: MutableMapping[str, Any]) -> Keys:
    """Return the keys of a request: its user or, while the user is unknown, its token; and its room, or all lists."""
    token = _token_of(scope)
    if not token:
        return ()
    user = user_of_token(token) or hash_token(token)
    path, is_read = scope["path"], scope["method"] in ("GET", "HEAD")
    if _LIST.search(path) if is_read else path.endswith("/v1/sync"):
        return ("reader", user), ("user", user), ("reads", None)
    room = _PATH_OF_ROOM.search(path)
    if room is None or is_read:
        return (("user", user),)
    room_id = room[1].replace("-", "").lower()
    if room[2] and scope["method"] == "POST":
        return ("sender", user), ("audience", room_id)
    return ("user", user), ("room", room_id), ("writes", None)
