"""Documents endpoints in openapi.yaml: each status with the problem codes that it may carry, and pages of lists."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, inline_serializer
from rest_framework import serializers

from wire import rates
from wire.fields import EmptySerializer, QuerySerializer
from wire.limits import codes_of
from wire.operations import Operation
from wire.problems import CONTENT_TYPE, REGISTRY, FieldError, Problem

ALWAYS = ("request.invalid", "not_acceptable", "internal", "unavailable")
WITH_BODY = ("json.invalid", "request.too_large", "unsupported_media_type")
WITH_KEY = ("auth.invalid_token", "forbidden", "key.in_browser")  # which the calls without a token refuse
WITH_TOKEN = ("auth.required", "auth.account_disabled", *WITH_KEY)
_EXAMPLE_ERRORS = {"request.invalid": [FieldError("colour", "unknown", "There is no such field.")]}


class Schema(AutoSchema):
    """Documents an endpoint with drf-spectacular, from its Operation."""

    @property
    def operation(self) -> Operation:
        """The declaration of the view's method, which `wire.views.endpoint` has attached."""
        declared: Operation = getattr(self.view, self.method.lower()).operation
        return declared

    def get_operation_id(self) -> str:
        return self.operation.name

    def get_summary(self) -> str:
        return self.operation.summary

    def get_description(self) -> str:  # type: ignore[override]
        return self.operation.description

    def get_tags(self) -> list[str]:
        return [self.operation.tag]

    def get_override_parameters(self) -> list[Any]:
        return [] if self.operation.query is QuerySerializer else [self.operation.query]

    def get_response_serializers(self) -> Any:
        operation = self.operation
        replies = {
            (status, operation.media_type): operation.replies.get(status, operation.reply)
            for status in operation.statuses
        }
        return replies | problems(operation)

    def _map_serializer(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """Keep the component of an answer without fields: drf-spectacular would leave it out."""
        schema: Any = super()._map_serializer(serializer, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if direction == "response" and schema.get("type") == "object" and not schema.get("properties"):
            schema["additionalProperties"] = False
        return schema

    def _get_request_body(self, direction: Literal["request", "response"] = "request") -> Any:
        """The body, also of a DELETE: drf-spectacular leaves that one out."""
        body = self.operation.body
        if body is None or body is EmptySerializer:
            return None
        content = {"application/json": {"schema": self.resolve_serializer(body, direction).ref}}
        is_required = any(field.required for field in body().fields.values())
        return {"content": content, "required": True} if is_required else {"content": content}


# The codes of field errors: DRF's, those of Django's password validators, and our own.
FIELD_ERROR_CODES = {
    "ahead": "It is beyond the last event of the room.",
    "blank": "It is empty.",
    "control": "It has control characters.",
    "empty": "It is an empty list.",
    "forbidden_key": "It has a key that is unsafe in JavaScript.",
    "in_url": "It must not be in the URL, which logs would store.",
    "invalid": "It has the wrong form; `detail` names the right one.",
    "invalid_choice": "It is none of the allowed values.",
    "invisible": "It has characters that are invisible or change the direction of the text.",
    "marks": "It has too many combining marks in a row.",
    "max_bytes": "It has too many bytes.",
    "max_length": "It is too long.",
    "max_value": "It is too large.",
    "min_length": "It is too short.",
    "min_value": "It is too small.",
    "not_found": "It names something that does not exist or is not visible to you.",
    "null": "It is null.",
    "one": "It excludes another field that is present.",
    "password_entirely_numeric": "The password has only digits.",
    "password_too_common": "The password is too common.",
    "password_too_short": "The password is too short.",
    "password_too_similar": "The password is too similar to the username or the display name.",
    "public_only": "Only public rooms have it.",
    "deleted": "It names a deleted message.",
    "in_thread": "It names a reply, which has no thread of its own.",
    "thread_only": "Only a reply in a thread has it.",
    "repeated": "It is present more than once.",
    "required": "It is missing.",
    "reserved": "It is a reserved name.",
    "self": "It names the user of the request.",
    "taken": "It is already taken.",
    "type": "It has the wrong JSON type.",
    "unknown": "There is no such field, parameter or action.",
    "unknown_user": "No such user exists.",
}


class FieldErrorSerializer(serializers.Serializer[Any]):
    """A field that was rejected."""

    field = serializers.CharField(help_text="Dotted path; empty for the whole body.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An error in the form of RFC 9457; the same object is in `errors` of a reply on the socket."""

    type = serializers.CharField(help_text="A URI reference that ends in the code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]
    retryable = serializers.BooleanField(help_text="Whether the same request may succeed later.")
    retry_after_ms = serializers.IntegerField(allow_null=True)
    request_id = serializers.CharField(allow_null=True)
    offset = serializers.IntegerField(required=False, help_text="Of `stream.offset` alone: the end of the text so far.")


Responses = dict[int | tuple[int, str], Any]


def problems(operation: Operation) -> Responses:
    """The problem responses of an endpoint, by status: its own codes and those that every such endpoint may answer."""
    by_status: dict[int, list[str]] = defaultdict(list)
    with_body = () if operation.body is None else WITH_BODY
    with_token = WITH_KEY if operation.public else WITH_TOKEN
    flood = f"limit.{(rates.ANONYMOUS if operation.public else rates.REFUSED).name}"
    for code in dict.fromkeys((*operation.problems, *ALWAYS, *with_body, *with_token, *codes_of(operation), flood)):
        by_status[REGISTRY[code].status].append(code)
    return {(status, CONTENT_TYPE): _response(by_status[status]) for status in sorted(by_status)}


def _response(codes: list[str]) -> OpenApiResponse:
    description = "\n".join(f"* `{code}`: {REGISTRY[code].title}" for code in codes)
    examples = []
    for code in codes:
        problem = Problem(code, errors=_EXAMPLE_ERRORS.get(code, ()))
        value = problem.as_dict("018f3c5e-1111-7000-8000-000000000000")
        examples.append(OpenApiExample(code, value, media_type=CONTENT_TYPE))
    return OpenApiResponse(ProblemSerializer, description, examples)


@cache  # one class per name: spectacular rejects two
def page_of(
    row: type[serializers.Serializer[Any]], **beside: serializers.Field[Any, Any, Any, Any]
) -> serializers.Serializer[Any]:
    """The serializer of a cursor page of these rows, with further fields beside them."""
    name = row.__name__.removesuffix("Serializer") + "Page"
    fields: dict[str, serializers.Field[Any, Any, Any, Any]] = {
        "results": row(many=True),
        "next": serializers.CharField(
            allow_null=True, help_text="The value of `cursor` for the next page; null at the end."
        ),
        "previous": serializers.CharField(allow_null=True),
        **beside,
    }
    return inline_serializer(name, fields)
