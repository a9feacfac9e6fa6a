"""A story: a function that writes, the endpoints and actions that it uses, and the users who must reload after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fold.world import World

Story = Callable[[World], Awaitable[None]]

JOIN = "POST rooms/{room_id}/join"
LEAVE = "POST rooms/{room_id}/leave"
PUT_MEMBER = "PUT rooms/{room_id}/members/{user_id}"
REMOVE = "DELETE rooms/{room_id}/members/{user_id}"
SEND = "POST rooms/{room_id}/messages"
EDIT = "PATCH rooms/{room_id}/messages/{message_id}"
APPEND = "POST rooms/{room_id}/messages/{message_id}/append"
FINISH = "POST rooms/{room_id}/messages/{message_id}/finish"
DELETE = "DELETE rooms/{room_id}/messages/{message_id}"
ARCHIVE = "DELETE rooms/{room_id}"
UNARCHIVE = "POST rooms/{room_id}/unarchive"
UPDATE = "PATCH rooms/{room_id}"
UPDATE_ME = "PATCH rooms/{room_id}/me"
READ = "POST rooms/{room_id}/read"
UNREAD = "POST rooms/{room_id}/unread"
TYPING = "POST rooms/{room_id}/typing"
CREATE = "POST rooms"
DIRECT = "PUT rooms/direct/{user_id}"
DELETE_ME = "DELETE me"
ROOM_SOCKET = "/ws/chat/{slug}/"


@dataclass(frozen=True)
class Case:
    """One story. `reloads` names the users who rejoin after a hole and must load the room again; no others may."""

    story: Story
    writes: frozenset[str]
    room: dict[str, Any] = field(default_factory=dict)
    reloads: frozenset[str] = frozenset()
    changes: bool = True

    @property
    def name(self) -> str:
        return self.story.__name__


CASES: list[Case] = []


def case(*writes: str, reloads: tuple[str, ...] = (), changes: bool = True, **room: Any) -> Callable[[Story], Story]:
    """Register a story with its writes; the room is private unless `room` has another kind."""

    def note(story: Story) -> Story:
        CASES.append(Case(story, frozenset(writes), room, frozenset(reloads), changes))
        return story

    return note
