"""The shapes of invitations: in lists, in answers, in the log of the room and in the inbox of the user."""

from typing import Any

from django.db.models import TextChoices
from rest_framework import serializers

from api.models import Invite
from api.serializers.authors import Author, AuthorSerializer
from api.serializers.rooms import RoomSerializer, RoomSnapshotSerializer
from wire.fields import TimeField, format_time


class Ending(TextChoices):
    """The ways in which an invitation ends."""

    ACCEPTED = "accepted"  # the user became a member, in any way
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"  # also by a ban of the user, and as the oldest of too many


def render_invite(invite: Invite) -> dict[str, Any]:
    """Render an invitation, whose users are loaded, as InviteSerializer documents it."""
    return {
        "room_id": str(invite.room_id),
        "user": Author.of(invite.user)._asdict(),
        "invited_by": Author.of(invite.invited_by)._asdict(),
        "created_at": format_time(invite.created_at),
    }


class InviteSerializer(serializers.Serializer[Any]):
    """An invitation of a user to a room."""

    room_id = serializers.UUIDField()
    user = AuthorSerializer()
    invited_by = AuthorSerializer()
    created_at = TimeField()


class MyInviteSerializer(serializers.Serializer[Any]):
    """An invitation, as the invited user sees it: with the room as a user who is no member gets it."""

    room = RoomSerializer()
    invited_by = AuthorSerializer()
    created_at = TimeField()


class RoomInvitedSerializer(InviteSerializer):
    """The data of room.invited, in the inbox of the invited user."""

    room = RoomSnapshotSerializer()


class RoomUninvitedSerializer(serializers.Serializer[Any]):
    """The data of room.uninvited: an invitation of mine has ended."""

    room_id = serializers.UUIDField()
    reason = serializers.ChoiceField(choices=Ending.choices)


class InviteCreatedSerializer(serializers.Serializer[Any]):
    """The data of invite.created."""

    user = AuthorSerializer()
    invited_by = AuthorSerializer()


class InviteEndedSerializer(serializers.Serializer[Any]):
    """The data of invite.ended."""

    user = AuthorSerializer()
    reason = serializers.ChoiceField(choices=Ending.choices)
