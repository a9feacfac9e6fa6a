"""The shapes of threads: the summary of one, a user's place in it, and the events."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from api.models import Message
from api.serializers.message_shape import MessageSerializer, ThreadSerializer
from api.serializers.reads import THREAD_UNREAD
from wire.fields import QueryBool, StrictSerializer, format_time
from wire.pagination import CURSOR_CHARS, PAGE_DEFAULT, PAGE_MAX, PageQuery

REPLIERS = 5  # that the summary names


def render_thread(before: Mapping[str, Any] | None, replies: Sequence[Message]) -> dict[str, Any]:
    """Return the summary of a thread after these new replies, in order, from the one before them."""
    users = [str(reply.sender_id) for reply in reversed(replies)] + (before["user_ids"] if before else [])
    return {
        "reply_count": (before["reply_count"] if before else 0) + len(replies),
        "last_reply_at": format_time(replies[-1].created_at),
        "last_seq": replies[-1].seq,
        "user_ids": list(dict.fromkeys(users))[:REPLIERS],
    }


def render_changed(root: Message, version: int, thread: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of thread.changed with this seq; `root` still has the version before it."""
    return {
        "id": root.pk,
        "room_id": root.room_id,
        "seq": root.seq,
        "version": version,
        "base_version": root.version,
        "thread": thread,
    }


class ThreadChangedSerializer(serializers.Serializer[Any]):
    """The thread of a message has new replies: merge it into a copy of the message whose version is `base_version`."""

    id = serializers.UUIDField()
    room_id = serializers.UUIDField()
    seq = serializers.IntegerField()
    version = serializers.IntegerField()
    base_version = serializers.IntegerField()
    thread = ThreadSerializer()


class FollowSerializer(serializers.Serializer[Any]):
    """A thread as I follow it."""

    root = MessageSerializer()
    room_id = serializers.UUIDField()
    following = serializers.BooleanField()
    read_seq = serializers.IntegerField()
    unread = serializers.IntegerField(help_text=THREAD_UNREAD)
    unread_capped = serializers.BooleanField()
    last_reply = MessageSerializer(allow_null=True, help_text="The newest reply that I may see.")


class ThreadFollowedSerializer(serializers.Serializer[Any]):
    """I follow a thread, or no longer: as of the room's `seq`. A later reply or mention of mine follows it again."""

    room_id = serializers.UUIDField()
    thread_root = serializers.UUIDField()
    seq = serializers.IntegerField()


class ThreadReadSerializer(serializers.Serializer[Any]):
    """My read marker of a thread moved forward."""

    room_id = serializers.UUIDField()
    thread_root = serializers.UUIDField()
    read_seq = serializers.IntegerField()
    unread = serializers.IntegerField(help_text=THREAD_UNREAD)
    unread_capped = serializers.BooleanField()


_UNREAD_ONLY = "true: only threads with unread replies."


class ThreadsQuery(PageQuery):
    """A page of the threads that I follow."""

    unread = QueryBool(required=False, default=False, help_text=_UNREAD_ONLY)


class ThreadsBody(StrictSerializer):
    """The same as ThreadsQuery, in a frame."""

    unread = serializers.BooleanField(required=False, default=False, help_text=_UNREAD_ONLY)
    cursor = serializers.CharField(required=False, allow_null=True, default=None, max_length=CURSOR_CHARS)
    limit = serializers.IntegerField(required=False, default=PAGE_DEFAULT, min_value=1, max_value=PAGE_MAX)
