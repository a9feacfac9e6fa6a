"""Serializers of events, and of the queries for pages of events."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.serializers.messages import MAX_SEQ
from wire.fields import QueryInt, QuerySerializer, StrictSerializer, TimeField

PAGE = 200


@extend_schema_field({"type": "object", "additionalProperties": {}})
class EventDataField(serializers.JSONField):
    """The object of the event; its shape depends on the event's type."""


class EventSerializer(serializers.Serializer[Any]):
    """An event. `room_id` is null in the inbox; `seq` is null for events that are not stored."""

    type = serializers.CharField()
    room_id = serializers.UUIDField(allow_null=True)
    seq = serializers.IntegerField(allow_null=True)
    at = TimeField()
    actor_id = serializers.UUIDField(allow_null=True)
    data = EventDataField()  # type: ignore[assignment]


class EventPageSerializer(serializers.Serializer[Any]):
    """A page of events in order, as of `head`; `more` is true when the requested range holds more."""

    results = EventSerializer(many=True)
    head = serializers.IntegerField()
    epoch = serializers.IntegerField()
    more = serializers.BooleanField()


class EventsQuery(QuerySerializer):
    """A range of events: after < seq < before. With `before` alone the newest below it, else the oldest first."""

    after = QueryInt(required=False, min_value=0, max_value=MAX_SEQ, help_text="Only events of a greater seq.")
    before = QueryInt(required=False, min_value=0, max_value=MAX_SEQ, help_text="Only events of a smaller seq.")
    limit = QueryInt(required=False, default=PAGE, min_value=1, max_value=PAGE, help_text="Events per page.")


class EventsBody(StrictSerializer):
    """The fields of EventsQuery, in JSON."""

    after = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0, max_value=MAX_SEQ)
    before = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0, max_value=MAX_SEQ)
    limit = serializers.IntegerField(required=False, default=PAGE, min_value=1, max_value=PAGE)
