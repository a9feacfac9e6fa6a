"""Serializer pieces that refuse instead of guessing: unknown fields, wrong JSON types, text and metadata rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache, cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.core.validators import ProhibitNullCharactersValidator
from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from wire import strict_json
from wire.characters import MAX_MARKS, has_invisible, has_too_many_marks
from wire.times import format_time, parse_time

__all__ = [
    "EmptySerializer",
    "MetadataField",
    "NameField",
    "QueryBool",
    "QueryInt",
    "QuerySerializer",
    "StrictSerializer",
    "TextField",
    "TimeField",
    "format_time",
    "parse_uuid",
    "render",
    "validate",
]

TEXT_CHARS = 8_000
TEXT_BYTES = 16 * 1024
METADATA_BYTES = 4 * 1024
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
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
    """A body: an object whose fields are all known and have the JSON types that they are declared with.

    null means absent for every optional field, because many clients write null for what they have not set. It is a
    value of its own only where a field is declared with allow_null.
    """

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            if not (field.required or field.read_only or field.allow_null):
                field.allow_null = True  # the contracts show it
                vars(field)["null_is_absent"] = True
        return fields

    def to_internal_value(self, data: Any) -> Any:
        """Validate as DRF does, but strictly, and in one pass: every message comes through here."""
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
        if given is None and hasattr(field, "null_is_absent"):
            given = empty
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
    if isinstance(field, serializers.UUIDField) and isinstance(value, str) and not _UUID.fullmatch(value):
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
    """Render an object with a serializer that needs no context; one serializer of a kind serves all, as in validate."""
    shown: dict[str, Any] = _made(kind).to_representation(instance)
    return shown


def parse_uuid(text: str) -> UUID | None:
    """The UUID in its one form, in either case; Python's own constructor takes many more spellings."""
    return UUID(text) if _UUID.fullmatch(text) else None


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
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(_name_plus(data, error.detail)) from error


def _name_plus(data: Mapping[str, Any], errors: Any) -> Any:
    """The refusals, with a word about "+" where a value holds a space: a forgotten encoding is the usual cause."""
    hint = ' A "+" in a query stands for a space: write it as %2B.'
    return {
        name: [ErrorDetail(f"{each}{hint}", each.code) for each in details] if " " in data.get(name, "") else details
        for name, details in errors.items()
    }


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
        moment = parse_time(value) if isinstance(value, str) else None
        if moment is None:
            raise serializers.ValidationError("Give an RFC 3339 time with its offset.", code="invalid")
        return moment

    def to_representation(self, value: datetime) -> str:
        return format_time(value)  # DRF does not ask about None


class TextField(serializers.CharField):
    """Text as people write it: counted in code points and in UTF-8 bytes, free of control characters.

    It is kept as it came, but for its line breaks: CR LF becomes LF. A CR alone is refused like every other control
    character (C0, DEL, C1), because it is a line break only on systems that are long gone.
    """

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
        self.multiline = multiline
        self.forbidden = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]" if multiline else r"[\x00-\x1f\x7f-\x9f]")

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if self.multiline and "\r" in text:
            text = text.replace("\r\n", "\n")
        if self.forbidden.search(text):
            self.fail("control")
        if len(text) * 4 > self.max_bytes and len(text.encode(errors="surrogatepass")) > self.max_bytes:
            self.fail("max_bytes", max_bytes=self.max_bytes)
        return text


class NameField(TextField):
    """The name of a thing: text in which every character can be seen, on one line unless `multiline`."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invisible": "Characters that are invisible or change the direction of the text are not allowed.",
        "marks": "More than {max_marks} combining marks in a row are not allowed.",
    }

    def __init__(self, *, multiline: bool = False, **options: Any) -> None:
        super().__init__(multiline=multiline, **{"trim_whitespace": True, **options})

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if has_invisible(name):
            self.fail("invisible")
        if has_too_many_marks(name):
            self.fail("marks", max_marks=MAX_MARKS)
        return name


@extend_schema_field({"type": "object", "additionalProperties": {}})
class MetadataField(serializers.Field[Any, Any, Any, Any]):
    """A JSON object that belongs to the client: kept and given back, without the keys that hurt JavaScript clients."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "type": "This must be an object.",
        "max_bytes": "This is longer than {max_bytes} bytes of JSON.",
        "forbidden_key": "The keys __proto__, constructor and prototype are not allowed.",
    }

    def __init__(self, *, max_bytes: int = METADATA_BYTES, **options: Any) -> None:
        super().__init__(**options)
        self.max_bytes = max_bytes

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("type")
        if not data:
            return data
        json = strict_json.dumps(data)
        if len(json) > self.max_bytes:
            self.fail("max_bytes", max_bytes=self.max_bytes)
        # The walk is worth its time only where one of the words stands somewhere.
        if any(key.encode() in json for key in _POLLUTING) and _pollutes(data):
            self.fail("forbidden_key")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


# A JavaScript client that copies such a key into an object of its own changes every object of the page.
_POLLUTING = ("__proto__", "constructor", "prototype")


def _pollutes(value: object) -> bool:
    if isinstance(value, dict):
        return any(key in _POLLUTING or _pollutes(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_pollutes, value))
