"""The problem that a client gets for any exception."""

from typing import Any

import pytest
from django.core import exceptions as django
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions as drf

from wire import problems
from wire.problems import Problem, to_problem


@pytest.mark.parametrize(
    ("exc", "code", "status"),
    [
        (Problem("forbidden"), "forbidden", 403),
        (drf.ValidationError({"a": ["b"]}), "request.invalid", 400),
        (django.ValidationError("no"), "request.invalid", 400),
        (drf.ParseError(), "json.invalid", 400),
        (django.SuspiciousOperation(), "request.invalid", 400),
        (django.TooManyFieldsSent(), "request.invalid", 400),
        (django.RequestDataTooBig(), "request.too_large", 413),
        (drf.NotAuthenticated(), "auth.required", 401),
        (drf.AuthenticationFailed(), "auth.invalid_token", 401),
        (drf.PermissionDenied(), "forbidden", 403),
        (django.PermissionDenied(), "forbidden", 403),
        (Http404(), "not_found", 404),
        (django.ObjectDoesNotExist(), "not_found", 404),
        (drf.MethodNotAllowed("PUT"), "method_not_allowed", 405),
        (drf.NotAcceptable(), "not_acceptable", 406),
        (drf.UnsupportedMediaType("text/html"), "unsupported_media_type", 415),
        (OperationalError("secret host"), "unavailable", 503),
        (InterfaceError("secret host"), "unavailable", 503),
        (RecursionError("secret"), "internal", 500),
        (KeyError("secret"), "internal", 500),
    ],
)
def test_it_works(exc: Exception, code: str, status: int) -> None:
    problem = to_problem(exc).as_dict("r1")

    assert (problem["code"], problem["status"]) == (code, status)
    assert problem["request_id"] == "r1"
    assert "secret" not in str(problem)


def test_nested_fields_have_dotted_paths() -> None:
    detail: Any = {"rooms": [{}, {"name": ["x"]}], "non_field_errors": ["y"], "people": {1: ["z"]}}

    errors = to_problem(drf.ValidationError(detail)).errors

    assert [error.field for error in errors] == ["rooms.1.name", "", "people.1"]


def test_validation_errors_of_a_model_have_their_fields() -> None:
    exc = django.ValidationError({"name": django.ValidationError("no", code="odd"), "__all__": ["never"]})

    assert [(each.field, each.code) for each in to_problem(exc).errors] == [("name", "odd"), ("", "invalid")]


def test_the_name_of_a_field_is_cut_to_200_characters() -> None:
    problem = to_problem(drf.ValidationError({"x" * 100_000: ["unknown"]})).as_dict(None)

    assert len(problem["errors"][0]["field"]) == 200


def test_a_retryable_problem_has_the_time_to_wait() -> None:
    problem = Problem("unavailable", retry_after_ms=2_500)

    assert problem.as_dict(None)["retry_after_ms"] == 2_500
    assert problem.headers() == {"Retry-After": "3"}


def test_a_code_has_one_meaning() -> None:
    problems.define("not_found", 404, problems.REGISTRY["not_found"].title)

    with pytest.raises(ValueError, match="defined twice"):
        problems.define("not_found", 410, "Gone.")
