"""Reactions in requests, responses and events; the form of their keys."""

import re
from functools import cache
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.serializers.authors import AuthorSerializer
from api.serializers.message_shape import ReactionSerializer
from api.serializers.partial_events import PartialEventSerializer
from wire.fields import StrictSerializer, TimeField
from wire.pagination import PageBody, PageQuery
from wire.problems import invalid

_NAME = re.compile(r":[a-z0-9_+-]{1,32}:")
_PRESENTATIONS = str.maketrans("", "", "\N{VARIATION SELECTOR-15}\N{VARIATION SELECTOR-16}")
LONGEST_GIVEN = 40  # of an emoji with a presentation behind each of its characters, and of a name
KEY = "One emoji, or `:name:` of 1 to 32 of the characters `a-z0-9_+-`."


def canonical_key(text: str) -> str | None:
    """Return the key under which a reaction is stored, or None for a text that is none.

    An emoji is any sequence that Unicode recommends for interchange (UTS #51, RGI), stored fully qualified: with and
    without the presentation selectors it is one key.
    """
    if _NAME.fullmatch(text):
        return text
    return _emojis().get(text.translate(_PRESENTATIONS)) if len(text) <= LONGEST_GIVEN else None


@cache
def _emojis() -> dict[str, str]:
    """The fully qualified emojis by their form without presentation selectors; loaded with the first reaction."""
    from emoji import EMOJI_DATA, STATUS

    recommended = (STATUS["fully_qualified"], STATUS["component"])
    found = (each for each, data in EMOJI_DATA.items() if data["status"] in recommended)
    return {each.translate(_PRESENTATIONS): each for each in found}


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": LONGEST_GIVEN})
class ReactionKeyField(serializers.CharField):
    """The key of a reaction, in its stored form."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_GIVEN, trim_whitespace=False, help_text=KEY, **options)

    def to_internal_value(self, data: Any) -> str:
        key = canonical_key(super().to_internal_value(data))
        if key is None:
            raise serializers.ValidationError(KEY, "invalid")
        return key


def read_key(text: str) -> str:
    """Return the stored form of a key in a path. Raises Problem request.invalid (key)."""
    key = canonical_key(text)
    if key is None:
        raise invalid("key", "invalid", KEY)
    return key


class ReactBody(StrictSerializer):
    """A reaction to add or, with `on: false`, to remove."""

    key = ReactionKeyField()
    on = serializers.BooleanField()


class ReactionChangeSerializer(serializers.Serializer[Any]):
    """The user of a change, the key, and whether the reaction was added or removed."""

    user_id = serializers.UUIDField()
    key = serializers.CharField()
    on = serializers.BooleanField()


class ReactionChangedSerializer(PartialEventSerializer):
    """A change of a message's reactions; `reaction` replaces that of its key, or is the last of them. At 0 drop it."""

    change = ReactionChangeSerializer()
    reaction = ReactionSerializer()


class UserReactionSerializer(serializers.Serializer[Any]):
    """The reaction of one user."""

    user = AuthorSerializer()
    key = serializers.CharField()
    at = TimeField()


class ReactionsQuery(PageQuery):
    """A page of a message's reactions, of one key or of all."""

    key = ReactionKeyField(required=False)


class ReactionsBody(PageBody):
    """The same as ReactionsQuery, in JSON."""

    key = ReactionKeyField(required=False)
