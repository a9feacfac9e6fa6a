"""The shape of members, in lists, events and answers, and of the bodies that change them."""

from typing import Any

from rest_framework import serializers

from accounts.serializers import UserSerializer
from api.models import Member
from api.models.choices import Role, State
from wire.fields import StrictSerializer, TimeField, format_time

# Shared: creating a serializer costs more than using it, and it keeps nothing of what it renders.
_USER = UserSerializer()


def render_member(member: Member) -> dict[str, Any]:
    """Render a member, whose user is loaded, as MemberSerializer documents it."""
    return {
        "room_id": str(member.room_id),
        "user": _USER.to_representation(member.user),
        "role": member.role,
        "state": member.state,
        "joined_at": format_time(member.joined_at),
        "read_seq": member.read_seq,
    }


class PutMemberBody(StrictSerializer):
    """The body of PUT rooms/{id}/members/{user_id}; without a role it adds a plain member."""

    role = serializers.ChoiceField(choices=Role.choices, required=False)


class MemberSerializer(serializers.Serializer[Any]):
    """A member of a room, as all members see them."""

    room_id = serializers.UUIDField()
    user = UserSerializer()
    role = serializers.ChoiceField(choices=Role.choices)
    state = serializers.ChoiceField(choices=State.choices)
    joined_at = TimeField()
    read_seq = serializers.IntegerField()
