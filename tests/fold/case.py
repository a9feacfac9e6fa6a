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
REACTION = "PUT rooms/{room_id}/messages/{message_id}/reactions/{key}"
NO_REACTION = "DELETE rooms/{room_id}/messages/{message_id}/reactions/{key}"
PIN = "PUT rooms/{room_id}/pins/{message_id}"
UNPIN = "DELETE rooms/{room_id}/pins/{message_id}"
ARCHIVE = "DELETE rooms/{room_id}"
UNARCHIVE = "POST rooms/{room_id}/unarchive"
UPDATE = "PATCH rooms/{room_id}"
UPDATE_ME = "PATCH rooms/{room_id}/me"
READ = "POST rooms/{room_id}/read"
UNREAD = "POST rooms/{room_id}/unread"
FOLLOW = "PUT rooms/{room_id}/threads/{thread_root}/follow"
UNFOLLOW = "DELETE rooms/{room_id}/threads/{thread_root}/follow"
PUT_DRAFT = "PUT rooms/{room_id}/draft"
DELETE_DRAFT = "DELETE rooms/{room_id}/draft"
TYPING = "POST rooms/{room_id}/typing"
CREATE = "POST rooms"
DIRECT = "PUT rooms/direct/{user_id}"
BLOCK = "PUT me/blocks/{user_id}"
UNBLOCK = "DELETE me/blocks/{user_id}"
UPDATE_MYSELF = "PATCH me"
DELETE_ME = "DELETE me"
PUT_OWNER = "PUT rooms/{room_id}/owner"
INVITE = "PUT rooms/{room_id}/invites/{user_id}"
WITHDRAW = "DELETE rooms/{room_id}/invites/{user_id}"
DECLINE = "POST rooms/{room_id}/decline"
LINK = "POST rooms/{room_id}/links"
DELETE_LINK = "DELETE rooms/{room_id}/links/{link_id}"
JOIN_BY_LINK = "POST links/{code}/join"
BAN = "PUT rooms/{room_id}/bans/{user_id}"
UNBAN = "DELETE rooms/{room_id}/bans/{user_id}"
MUTE = "PUT rooms/{room_id}/mutes/{user_id}"
UNMUTE = "DELETE rooms/{room_id}/mutes/{user_id}"
LATER = "2090-01-01T00:00:00.000Z"
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
