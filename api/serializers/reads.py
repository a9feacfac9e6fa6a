"""The shapes of the read marker, in bodies and answers."""

from typing import Any

from rest_framework import serializers

from api.serializers.messages import MAX_SEQ
from wire.fields import StrictSerializer

# The definition, for every shape that has the count.
UNREAD = (
    "The number of messages of the main line above read_seq that are visible to the user, sent by others and not "
    "deleted; exact to 999, then unread_capped is true."
)
THREAD_UNREAD = (
    "The number of replies above read_seq that are visible to the user, sent by others and not deleted; "
    "exact to 999, then unread_capped is true."
)
UNREAD_MENTIONS = "The unread messages that name me or everybody in the room; exact to 999."
UNREAD_THREADS = "The threads of the room that I follow and that have unread replies; exact to 999."


class MarkReadBody(StrictSerializer):
    """Mark everything up to this seq as read: in the main line, or in a thread."""

    seq = serializers.IntegerField(min_value=0, max_value=MAX_SEQ)
    thread_root = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="Mark the replies in the thread of this message."
    )


class MarkUnreadBody(StrictSerializer):
    """Mark this seq and everything after it as unread."""

    seq = serializers.IntegerField(min_value=1, max_value=MAX_SEQ)


class ReadMarkerSerializer(serializers.Serializer[Any]):
    """The position of the read marker, and the number of unread messages above it."""

    read_seq = serializers.IntegerField()
    unread = serializers.IntegerField(help_text=UNREAD)
    unread_capped = serializers.BooleanField()


class ReadUpdatedSerializer(serializers.Serializer[Any]):
    """The read marker of a member. The member's own message with a seq above `head` moves the marker further.

    My inbox has the event for my own marker, with the unread count as of the room's `head`. A room has it for its other
    members, without the two fields of the count.
    """

    room_id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    read_seq = serializers.IntegerField()
    head = serializers.IntegerField()
    unread = serializers.IntegerField(required=False, help_text=UNREAD)
    unread_capped = serializers.BooleanField(required=False)


class UnreadRoomSerializer(serializers.Serializer[Any]):
    """The unread numbers of a room."""

    room_id = serializers.UUIDField()
    read_seq = serializers.IntegerField()
    unread = serializers.IntegerField(help_text=UNREAD)
    unread_capped = serializers.BooleanField()
    unread_mentions = serializers.IntegerField(help_text=UNREAD_MENTIONS)


class UnreadSerializer(serializers.Serializer[Any]):
    """The unread numbers of all my rooms, and their sums."""

    unread_total = serializers.IntegerField()
    mentions_total = serializers.IntegerField()
    threads_total = serializers.IntegerField(help_text="The threads that I follow and that have unread replies.")
    rooms = UnreadRoomSerializer(many=True)
