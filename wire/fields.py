"""Serializer pieces that refuse instead of guessing: unknown fields, wrong JSON types, text and metadata rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache, cached_property
from typing import Any, ClassVar

from django.core.validators import ProhibitNullCharactersValidator
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from wire import strict_json
from wire.times import format_time

__all__ = [
    "EmptySerializer",
    "MetadataField",
    "QueryBool",
    "QueryInt",
    "QuerySerializer",
    "StrictSerializer",
    "TextField",
    "TimeField",
    "format_time",
    "render",
    "validate",
]

TEXT_CHARS = 8_000
TEXT_BYTES = 16 * 1024
METADATA_BYTES = 4 * 1024
_OF_THE_GATE = (ProhibitNullCharactersValidator, ProhibitSurrogateCharactersValidator)

# DRF turns 5 into "5", "true" into True and a number into a UUID. On the wire a type is a promise: the first entry
# whose field class matches names the JSON type that is accepted.
_JSON_TYPES: list[tuple[type[serializers.Field[Any, Any, Any, Any]], type | tuple[type, ...], str]] = [
    (serializers.BooleanField, bool, "a boolean"),
    (serializers.IntegerField, int, "an integer"),
    (serializers.FloatField, (int, float), "a number"),
    (serializers.ListField, list, "a list"),
    (serializers.ListSerializer, list, "a list"),
    (serializers.DictField, dict, "an object"),
    (serializers.Serializer, dict, "an object"),
    (serializers.CharField, str, "a string"),
    (serializers.ChoiceField, str, "a string"),
    (serializers.UUIDField, str, "a string"),
    (serializers.DateTimeField, str, "a string"),
]


class StrictSerializer(serializers.Serializer[Any]):
    """A body: an object whose fields are all known and have the JSON types that they are declared with."""

    def to_internal_value(self, data: Any) -> Any:
        """As DRF does it, but strict, and in one pass: every message comes through here."""
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)  # refuses, in DRF's words
        value: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for name, field in self._known.items():
            try:
                value[name] = self._read(name, field, data.get(name, empty))
            except serializers.SkipField:
                continue
            except serializers.ValidationError as error:
                errors[name] = error.detail
        errors |= {key: [ErrorDetail("There is no such field.", "unknown")] for key in data if key not in self._known}
        if errors:
            raise serializers.ValidationError(errors)
        return value

    @cached_property
    def _known(self) -> dict[str, Any]:
        known = {name: field for name, field in self.fields.items() if not field.read_only}
        for field in known.values():
            # DRF looks at each character of a text for NUL and for surrogates; our JSON gate has refused both.
            field.validators = [each for each in field.validators if not isinstance(each, _OF_THE_GATE)]
        return known

    def _read(self, name: str, field: Any, given: object) -> object:
        if given is not None and given is not empty and (error := _type_error(field, given)):
            raise serializers.ValidationError(error)
        value = field.run_validation(given)
        judge = getattr(self, f"validate_{name}", None)
        return value if judge is None else judge(value)

    def run_validators(self, value: Any) -> None:
        """Those of the whole body; DRF copies it also when there are none."""
        if self.validators:
            super().run_validators(value)


def _type_error(field: Any, value: object) -> list[ErrorDetail] | dict[Any, Any] | None:
    for kind, accepted, words in _JSON_TYPES:
        if isinstance(field, kind):
            if not isinstance(value, accepted) or (isinstance(value, bool) and accepted is not bool):
                return [ErrorDetail(f"This must be {words}.", "type")]
            break
    if isinstance(field, serializers.UUIDField) and isinstance(value, str) and len(value) != 36:
        return [ErrorDetail("Must be a valid UUID.", "invalid")]  # DRF would take braces and urn: too
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        errors = {index: _type_error(field.child, item) for index, item in enumerate(value)}
        return {index: error for index, error in errors.items() if error} or None
    return None


@cache
def _made(kind: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    return kind()


def validate(kind: type[serializers.Serializer[Any]], data: object) -> Any:
    """The validated value of a body or a query; raises DRF's ValidationError.

    DRF copies every field for each request, which costs more than all the rest of the validation. Ours keep no state
    while they validate, so one serializer of a kind serves all.
    """
    return _made(kind).run_validation(data)


def render(kind: type[serializers.Serializer[Any]], instance: object) -> dict[str, Any]:
    """What a serializer that needs no context shows of an object; from one serializer of a kind, as in validate."""
    shown: dict[str, Any] = _made(kind).to_representation(instance)
    return shown


class EmptySerializer(StrictSerializer):
    """A body that holds nothing."""


class QuerySerializer(serializers.Serializer[Any]):
    """Query parameters: each of them known and given once. Values are text, so DRF's own parsing applies."""

    def to_internal_value(self, data: Any) -> Any:
        errors = {
            key: [ErrorDetail("There is no such parameter.", "unknown")] for key in data if key not in self.fields
        }
        if isinstance(data, QueryDict):
            repeated = [key for key in data if len(data.getlist(key)) > 1]
            errors |= {key: [ErrorDetail("Give this parameter once.", "repeated")] for key in repeated}
            data = data.dict()
        if errors:
            raise serializers.ValidationError(errors)
        return super().to_internal_value(data)


class QueryBool(serializers.BooleanField):
    """A boolean in a query string, as JSON spells it; DRF would take yes, t and on too."""

    TRUE_VALUES = {"true"}  # noqa: RUF012 - DRF declares them as it does
    FALSE_VALUES = {"false"}  # noqa: RUF012
    NULL_VALUES = set()  # noqa: RUF012


class QueryInt(serializers.IntegerField):
    """An integer in a query string, in plain ASCII digits; Python's int() would take 1_0 and Arabic digits too."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not re.fullmatch(r"-?[0-9]{1,16}", data):
            self.fail("invalid")
        return int(data)


class TimeField(serializers.DateTimeField):
    """A moment: RFC 3339 with an offset in, UTC with milliseconds and Z out."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            moment = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise serializers.ValidationError("Give an RFC 3339 time with its offset.", code="invalid")
        return moment

    def to_representation(self, value: datetime) -> str:
        return format_time(value)  # DRF does not ask about None


class TextField(serializers.CharField):
    """Text as people write it, kept as it is: counted in code points and in UTF-8 bytes, free of control characters."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "control": "Control characters are not allowed.",
        "max_bytes": "This is longer than {max_bytes} bytes of UTF-8.",
    }

    def __init__(
        self, *, max_chars: int = TEXT_CHARS, max_bytes: int = TEXT_BYTES, multiline: bool = True, **options: Any
    ) -> None:
        options.setdefault("trim_whitespace", False)
        super().__init__(max_length=max_chars, **options)
        self.max_bytes = max_bytes
        self.forbidden = re.compile(r"[\x00-\x08\x0b-\x1f]" if multiline else r"[\x00-\x1f\x7f]")

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if self.forbidden.search(text):
            self.fail("control")
        if len(text) * 4 > self.max_bytes and len(text.encode(errors="surrogatepass")) > self.max_bytes:
            self.fail("max_bytes", max_bytes=self.max_bytes)
        return text


@extend_schema_field({"type": "object", "additionalProperties": {}})
class MetadataField(serializers.Field[Any, Any, Any, Any]):
    """A JSON object that belongs to the client: kept and given back, never looked into."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "type": "This must be an object.",
        "max_bytes": "This is longer than {max_bytes} bytes of JSON.",
    }

    def __init__(self, *, max_bytes: int = METADATA_BYTES, **options: Any) -> None:
        super().__init__(**options)
        self.max_bytes = max_bytes

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("type")
        if len(strict_json.dumps(data)) > self.max_bytes:
            self.fail("max_bytes", max_bytes=self.max_bytes)
        return data

    def to_representation(self, value: Any) -> Any:
        return value
