"""What a socket listens to: rooms, the inbox, and who is typing."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from api.serializers.messages import MAX_SEQ
from realtime.consumers.actions import Reply, acting, action
from realtime.consumers.connection import Connection
from realtime.database import in_database, may_type
from realtime.feed import Feed, Subscription
from realtime.hub import Opened
from wire.fields import StrictSerializer

OUTSIDE = ("not_found", "room.not_member")


class RoomBody(StrictSerializer):
    """A room that the user is in."""

    room_id = serializers.UUIDField()


class StreamBody(StrictSerializer):
    """A room that the user is in, or null: the user's own inbox."""

    room_id = serializers.UUIDField(allow_null=True)


class SubscribeBody(StreamBody):
    """From where: `after` is the last seq that the device has; without it, live from the head."""

    after = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0, max_value=MAX_SEQ)
    epoch = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1, max_value=MAX_SEQ)


class TypingBody(RoomBody):
    """Whether the user is typing; say it again every typing.resend_ms, and false at the end."""

    on = serializers.BooleanField()


class SubscribedSerializer(serializers.Serializer[Any]):
    """Where the events go on: after `after`, up to `head` as a replay and then live."""

    room_id = serializers.UUIDField(allow_null=True)
    after = serializers.IntegerField()
    head = serializers.IntegerField()
    epoch = serializers.IntegerField()
    replay = serializers.ChoiceField(choices=["complete", "limited", "reset"])


class UnsubscribedSerializer(serializers.Serializer[Any]):
    """What is no longer heard."""

    room_id = serializers.UUIDField(allow_null=True)


class Streams(Connection):
    """A socket and its subscriptions, by stream."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subscriptions: dict[str, tuple[Feed, Subscription]] = {}

    @action(SubscribeBody, SubscribedSerializer, problems=OUTSIDE)
    async def subscribe(self, room_id: UUID | None, after: int | None, epoch: int | None) -> Reply:
        """Hear a room, or with null the own inbox: first what was missed, then live, without a hole or a double."""
        user_id = acting(self.session).user_id
        opened = await self.hub.open(user_id, room_id, after, epoch, self.outbox)
        known = self.subscriptions.get(opened.feed.stream)
        if known is not None and not known[1].ended:
            return self._go_on(*known, opened), 200
        self.after_reply(self.begin, opened)
        return opened.reply, 200

    def _go_on(self, feed: Feed, subscription: Subscription, opened: Opened) -> dict[str, Any]:
        """A live subscription stays where it is."""
        if subscription.live:
            self.after_reply(self.hub.say_synced, feed, subscription)
        return {**opened.reply, "after": subscription.cursor, "replay": "complete"}

    def begin(self, opened: Opened) -> None:
        """Start a subscription, unless the socket is going or got one meanwhile."""
        stream = opened.feed.stream
        known = self.subscriptions.get(stream)
        if self.closing or (known is not None and not known[1].ended):
            return
        self.subscriptions[stream] = (opened.feed, opened.subscription)
        self.hub.begin(opened)

    @action(StreamBody, UnsubscribedSerializer)
    async def unsubscribe(self, room_id: UUID | None) -> Reply:
        """Hear it no longer: nothing of it follows the reply."""
        known = self.subscriptions.pop(str(room_id or acting(self.session).user_id), None)
        if known is not None:
            self.hub.end(*known)
        return {"room_id": room_id}, 200

    @action(TypingBody, statuses=(204,), problems=(*OUTSIDE, "room.archived"))
    async def typing(self, room_id: UUID, on: bool) -> Reply:
        """Tell the room that the user is typing, or no longer is."""
        user_id = acting(self.session).user_id
        head = await in_database(may_type, user_id, room_id)
        self.hub.note_typing(str(room_id), str(user_id), on, head)
        return None, 204

    def clean_up(self) -> None:
        super().clean_up()
        for feed, subscription in self.subscriptions.values():
            self.hub.end(feed, subscription)
        self.subscriptions.clear()
