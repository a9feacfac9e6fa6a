"""The shape of members, in lists, events and answers, and of the bodies that change them."""

from typing import Any

import orjson
from rest_framework import serializers

from accounts.models import UserKind
from accounts.serializers import UserSerializer
from api.models import Member
from api.models.choices import Role, State
from wire import strict_json
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
        "read_seq": member.read_seq if member.shares_read else None,
        "delivered_seq": member.delivered_seq if member.shares_read and not member.room.is_large else None,
    }


def complete_member(data: str | bytes) -> str | bytes:
    """Return the data of a member's event with every field: earlier releases had no delivery markers and no bots."""
    shape = orjson.loads(data)
    if "delivered_seq" in shape and "kind" in shape["user"]:
        return data
    user = {"kind": UserKind.PERSON, **shape["user"]}
    return strict_json.dumps({"delivered_seq": None, **shape, "user": user})


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
    read_seq = serializers.IntegerField(allow_null=True, help_text="null: the member does not share it (`share_read`).")
    delivered_seq = serializers.IntegerField(
        allow_null=True,
        help_text=(
            "Everything up to it has reached one of the member's devices; 0 before the first `ack`. null: the member "
            "does not share it, or the room has the mode counts. Its changes are not in the log: in an event it is old "
            "or null."
        ),
    )
