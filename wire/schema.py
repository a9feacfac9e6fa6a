"""Problems and pages in openapi.yaml: every status with the codes that it may carry."""

from __future__ import annotations

import inspect
from collections import defaultdict
from functools import cache
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, inline_serializer
from rest_framework import serializers

from wire.problems import CONTENT_TYPE, REGISTRY, FieldError, Problem

ALWAYS = ("request.invalid", "not_acceptable", "internal", "unavailable")
WITH_BODY = ("json.invalid", "request.too_large", "unsupported_media_type")
WITH_TOKEN = ("auth.required", "auth.invalid_token", "auth.account_disabled")
_EXAMPLE_ERRORS = {"request.invalid": [FieldError("colour", "unknown", "There is no such field.")]}


class Schema(AutoSchema):
    """drf-spectacular's reading of a view, in two points corrected."""

    def get_description(self) -> str:  # type: ignore[override]
        """The method's own docstring: those of the classes speak to who reads the code."""
        method = getattr(self.view, self.method.lower(), None)
        return inspect.getdoc(method) or "" if method else ""

    def _get_request_body(self, direction: Literal["request", "response"] = "request") -> Any:
        """Return the request body, also that of a DELETE, which spectacular leaves out: the view's `delete_body`."""
        body = getattr(self.view, "delete_body", None) if self.method == "DELETE" else None
        if body is None:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        component = self.resolve_serializer(body, direction)
        return {"content": {"application/json": {"schema": component.ref}}, "required": True}


# What may be wrong with a field: DRF's codes, Django's about passwords, and our own.
FIELD_ERROR_CODES = {
    "ahead": "It is beyond the last event of the room.",
    "blank": "It is empty.",
    "control": "It has control characters.",
    "empty": "It is an empty list.",
    "forbidden_key": "It has a key that hurts JavaScript clients.",
    "in_url": "It is in the URL, where logs would keep it.",
    "invalid": "It has not the right form; `detail` says which.",
    "invalid_choice": "It is none of the values that there are.",
    "invisible": "It has characters that are invisible or change the direction of the text.",
    "marks": "It has too many combining marks in a row.",
    "max_bytes": "It has too many bytes.",
    "max_length": "It is too long.",
    "max_value": "It is too great.",
    "min_length": "It is too short.",
    "min_value": "It is too small.",
    "not_found": "It names something that does not exist, or that you may not see.",
    "null": "It is null.",
    "one": "It excludes another field that is there too.",
    "password_entirely_numeric": "It is a password of digits only.",
    "password_too_common": "It is a password that many people have.",
    "password_too_short": "It is a password that is too short.",
    "password_too_similar": "It is a password like the username or the display name.",
    "public_only": "Only a public room has it.",
    "repeated": "It is given more than once.",
    "required": "It is missing.",
    "reserved": "It is a name that nobody may have.",
    "self": "It names yourself.",
    "taken": "Somebody else has it.",
    "type": "It is of another JSON type.",
    "unknown": "There is no such field, parameter or action.",
    "unknown_user": "It names no user.",
}


class FieldErrorSerializer(serializers.Serializer[Any]):
    """One refused field."""

    field = serializers.CharField(help_text="Dotted path; empty for the whole body.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457; the same object in `errors` of a socket's reply."""

    type = serializers.CharField(help_text="A URI reference made of the code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]
    retryable = serializers.BooleanField(help_text="Whether the very same request may succeed later.")
    retry_after_ms = serializers.IntegerField(allow_null=True)
    request_id = serializers.CharField(allow_null=True)


Responses = dict[int | tuple[int, str], Any]


def problems(*codes: str, body: bool = False, token: bool = True) -> Responses:
    """The problem responses of an operation, by status: these codes and those that every such operation may give."""
    by_status: dict[int, list[str]] = defaultdict(list)
    every = dict.fromkeys((*codes, *ALWAYS, *(WITH_BODY if body else ()), *(WITH_TOKEN if token else ())))
    for code in every:
        by_status[REGISTRY[code].status].append(code)
    return {(status, CONTENT_TYPE): _response(by_status[status]) for status in sorted(by_status)}


def _response(codes: list[str]) -> OpenApiResponse:
    words = "\n".join(f"* `{code}`: {REGISTRY[code].title}" for code in codes)
    return OpenApiResponse(ProblemSerializer, words, [_example(code) for code in codes])


def _example(code: str) -> OpenApiExample:
    problem = Problem(code, errors=_EXAMPLE_ERRORS.get(code, ()))
    return OpenApiExample(code, problem.as_dict("018f3c5e-1111-7000-8000-000000000000"), media_type=CONTENT_TYPE)


@cache  # one class for a name, or spectacular sees two that clash
def page_of(row: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """The shape of a cursor page of these rows."""
    name = row.__name__.removesuffix("Serializer") + "Page"
    fields: dict[str, serializers.Field[Any, Any, Any, Any]] = {
        "results": row(many=True),
        "next": serializers.CharField(allow_null=True, help_text="Give it back as ?cursor=; null at the end."),
        "previous": serializers.CharField(allow_null=True),
    }
    return inline_serializer(name, fields)
