"""Members on the wire: one shape in lists, in events and in the answers to changes."""

from typing import Any

from rest_framework import serializers

from accounts.serializers import UserSerializer
from api.models import Member
from api.models.members import Role, State
from wire.fields import StrictSerializer, TimeField, format_time

# One for all: to make a serializer costs more than to use it, and it keeps nothing of what it renders.
_USER = UserSerializer()


def render_member(member: Member) -> dict[str, Any]:
    """The Member shape of design section 5; it needs the member's user loaded."""
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
