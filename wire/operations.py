"""The declaration of an operation: one value for the view, for its twin action and for both contracts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from rest_framework import serializers

from wire.fields import EmptySerializer, QuerySerializer, StrictSerializer

# The ids that are no UUIDs: the longest text of each.
TEXT_IDS = {"code": 64}


class Cost(StrEnum):
    """The kind of work that an operation does. Operations of one kind cost the server about as much."""

    READ = "read"
    SEARCH = "search"
    SYNC = "sync"
    WRITE = "write"
    SEND = "send"
    TYPING = "typing"
    LOGIN = "login"  # hashes a password
    ADMIN = "admin"  # of an app's backend, with a server key


@dataclass(frozen=True, eq=False)
class Operation:
    """An endpoint, an action of the socket, or both. The faces differ only in their envelopes and in `ids`."""

    name: str
    summary: str
    _: KW_ONLY
    tag: str
    cost: Cost  # the rate limit that counts it
    ids: tuple[str, ...] = ()  # of the path; a frame has them beside the body
    query: type[QuerySerializer] = QuerySerializer
    body: type[StrictSerializer] | None = None
    reply: Any = None  # a serializer, or its class
    replies: Mapping[int, Any] = field(default_factory=dict)  # by status, where it is not `reply`
    statuses: tuple[int, ...] = (200,)
    media_type: str = "application/json"  # of the reply
    problems: tuple[str, ...] = ()  # beside those that every operation may answer with
    description: str = ""
    public: bool = False  # needs no token
    for_devices: bool = False  # no server key may call it, also not one that acts as a user
    action: str = ""  # the name on the socket, where it is not `name`
    frame_body: type[StrictSerializer] | None = None  # in a frame, in place of query and body
    # Returns whether the unread fields of a user's call are a retry of what is stored: no rate limit refuses it.
    is_retry: Callable[[Any, Mapping[str, Any]], bool] | None = None

    @cached_property
    def frame(self) -> type[StrictSerializer]:
        """All fields of a frame beside `action` and `request_id`: the ids, then the body."""
        fields: dict[str, Any] = {
            name: serializers.CharField(max_length=TEXT_IDS[name]) if name in TEXT_IDS else serializers.UUIDField()
            for name in self.ids
        }
        ids = type("Ids", (StrictSerializer,), fields)
        return type("Frame", (ids, self.frame_body or self.body or EmptySerializer), {})
