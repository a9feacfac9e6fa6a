"""The shape of the mode of a room."""

from typing import Any

from rest_framework import serializers

from api.models.choices import Receipts


class RoomModeSerializer(serializers.Serializer[Any]):
    """The things that members learn about each other. It changes above 100 members, and again below 80."""

    receipts = serializers.ChoiceField(
        choices=Receipts.choices, help_text="members: who has read and received each message; counts: how many."
    )
    typing = serializers.BooleanField(help_text="Whether members see who is typing.")
