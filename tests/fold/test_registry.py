"""No write endpoint and no action is missing from the stories."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from django.urls import URLPattern, URLResolver, get_resolver

from realtime.consumers.chat import ChatConsumer
from tests.fold.case import ROOM_SOCKET
from tests.fold.stories import CASES

WRITES = ("POST", "PUT", "PATCH", "DELETE")
READS = {
    "POST sync": "reads",
    "sync": "reads",
    "get_messages": "reads",
    "get_events": "reads",
    "list_invites": "reads",
    "list_my_invites": "reads",
    "list_links": "reads",
    "get_room_link": "reads",
    "get_link": "reads",
    "list_bans": "reads",
    "list_mutes": "reads",
    "get_message": "reads",
    "get_versions": "reads",
    "list_reactions": "reads",
    "list_pins": "reads",
    "list_threads": "reads",
    "list_mentions": "reads",
    "get_unread": "reads",
    "list_drafts": "reads",
    "ping": "reads",
    "get_me": "reads",
    "get_receipts": "reads",
    "ack": "is about a marker that is not in the log",
    "POST ack": "is about a marker that is not in the log",
    "list_blocks": "reads",
    "POST stream": "receives events",
    "POST ping": "reads",
    "POST presence/watch": "reads",
    "PUT presence": "is about a device",
    "watch_presence": "reads",
    "set_presence": "is about a device",
    "subscribe": "receives events",
    "unsubscribe": "receives events",
}
ACCOUNTS = {
    "authenticate": "is about a session",
    "POST auth/register": "is about a session",
    "POST auth/login": "is about a session",
    "POST auth/logout": "is about a session",
    "POST auth/logout-all": "is about a session",
    "DELETE auth/sessions/{session_id}": "is about a session",
    "POST auth/password": "is about a session",
    "POST auth/password-reset": "is about a session",
    "POST auth/password-reset/confirm": "is about a session",
    "POST auth/verify-email": "is about a mailbox",
    "POST auth/verify-email/send": "is about a mailbox",
    "POST me/delete": "is DELETE me in another form",
}
BACKENDS = {
    "POST auth/exchange": "is about a session",
    "PUT admin/users/{external_id}": "is about an account",
    "DELETE admin/users/{external_id}": "is DELETE me of another account",
    "POST admin/users/{external_id}/sessions": "is about a session",
    "DELETE admin/users/{external_id}/sessions": "is about a session",
    "DELETE admin/keys/{key_id}": "is about a key",
    "POST admin/rooms": "is POST rooms for an owner",
    "PUT admin/rooms/{room_id}/members/{user_id}": "is the write of an admin of the room",
    "DELETE admin/rooms/{room_id}/members/{user_id}": "is the write of an admin of the room",
}


def test_every_write_operation_has_a_story() -> None:
    covered = {write for case in CASES for write in case.writes}
    exempt = READS.keys() | ACCOUNTS.keys() | BACKENDS.keys()

    assert covered | exempt == {*_endpoints(), *ChatConsumer.available_actions, ROOM_SOCKET}
    assert not covered & exempt


def _endpoints(patterns: Sequence[URLPattern | URLResolver] = (), prefix: str = "") -> Iterator[str]:
    """Each method that is not a read of each path under /v1."""
    for each in patterns or get_resolver().url_patterns:
        path = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            if path.startswith("v1/"):
                yield from _endpoints(each.url_patterns, path)
        elif path.startswith("v1/"):
            named = re.sub(r"<\w+:(\w+)>", r"{\1}", path.removeprefix("v1/"))
            view = getattr(each.callback, "view_class", None)  # None: the answer to an unknown path
            yield from (f"{method} {named}" for method in WRITES if hasattr(view, method.lower()))
