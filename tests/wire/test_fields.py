"""Strict bodies: known fields only, of the JSON types that they are declared with."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework import serializers

from wire.fields import MetadataField, QueryBool, QuerySerializer, StrictSerializer, TextField, TimeField
from wire.problems import to_problem

UUID = "018f3c5e-1111-7000-8000-000000000000"


class InnerBody(StrictSerializer):
    flag = serializers.BooleanField(required=False)


class Body(StrictSerializer):
    text = TextField(required=False)
    count = serializers.IntegerField(required=False)
    flag = serializers.BooleanField(required=False)
    share = serializers.FloatField(required=False)
    kind = serializers.ChoiceField(["a", "1"], required=False)
    owner = serializers.UUIDField(required=False)
    people = serializers.ListField(child=serializers.UUIDField(), required=False)
    items = InnerBody(many=True, required=False)
    inner = InnerBody(required=False)
    metadata = MetadataField(required=False)
    at = TimeField(required=False)
    made_at = TimeField(read_only=True)


def refusals(data: Any) -> dict[str, str]:
    body = Body(data=data)
    try:
        body.is_valid(raise_exception=True)
    except serializers.ValidationError as error:
        return {each.field: each.code for each in to_problem(error).errors}
    return {}


def test_it_works() -> None:
    assert refusals({}) == {}
    assert (
        refusals({"text": " a\n\tb ", "count": -1, "flag": False, "share": 1, "kind": "1", "owner": UUID.upper()}) == {}
    )
    assert refusals({"people": [UUID], "items": [{"flag": True}], "inner": {}, "metadata": {"a": {"b": []}}}) == {}


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        (None, {"": "null"}),
        ([], {"": "invalid"}),
        ("text", {"": "invalid"}),
        ({"text": 5}, {"text": "type"}),
        ({"text": False}, {"text": "type"}),
        ({"count": "5"}, {"count": "type"}),
        ({"count": True}, {"count": "type"}),
        ({"count": 1.0}, {"count": "type"}),
        ({"flag": "true"}, {"flag": "type"}),
        ({"flag": 1}, {"flag": "type"}),
        ({"share": "0.5"}, {"share": "type"}),
        ({"share": True}, {"share": "type"}),
        ({"kind": 1}, {"kind": "type"}),
        ({"kind": "b"}, {"kind": "invalid_choice"}),
        ({"owner": 7}, {"owner": "type"}),
        ({"owner": f"{{{UUID}}}"}, {"owner": "invalid"}),
        ({"owner": UUID.replace("-", "")}, {"owner": "invalid"}),
        ({"owner": "urn:" + UUID.replace("-", "")}, {"owner": "invalid"}),
        ({"people": UUID}, {"people": "type"}),
        ({"people": {"0": UUID}}, {"people": "type"}),
        ({"people": [UUID, 5]}, {"people.1": "type"}),
        ({"items": {}}, {"items": "type"}),
        ({"items": [{}, {"flag": 0}]}, {"items.1.flag": "type"}),
        ({"inner": []}, {"inner": "type"}),
        ({"inner": {"odd": 1}}, {"inner.odd": "unknown"}),
        ({"made_at": "2026-01-01T00:00:00Z"}, {"made_at": "unknown"}),
        ({"odd": 1, "count": "5", "text": ""}, {"odd": "unknown", "count": "type", "text": "blank"}),
    ],
)
def test_a_body_of_another_shape_is_rejected_with_the_paths_of_its_fields(data: Any, refused: dict[str, str]) -> None:
    assert refusals(data) == refused


def test_at_most_100_unknown_fields_are_named() -> None:
    assert refusals({f"k{number}": 1 for number in range(101)}) == {f"k{number}": "unknown" for number in range(100)}


def test_text_is_limited_in_code_points_and_in_bytes() -> None:
    assert refusals({"text": "a" * 8_000}) == {}
    assert refusals({"text": "a" * 8_001}) == {"text": "max_length"}
    assert refusals({"text": "\U0001f407" * 4_096}) == {}
    assert refusals({"text": "\U0001f407" * 4_097}) == {"text": "max_bytes"}


@pytest.mark.parametrize("character", [*map(chr, range(1, 32)), *map(chr, range(0x7F, 0xA0))])
def test_control_characters_in_text_are_rejected(character: str) -> None:
    assert refusals({"text": f"a{character}b"}) == ({} if character in "\n\t" else {"text": "control"})


@pytest.mark.parametrize("metadata", ["text", 5, [], [["a", 1]], True])
def test_metadata_that_is_not_an_object_is_rejected(metadata: object) -> None:
    assert refusals({"metadata": metadata}) == {"metadata": "type"}


def test_metadata_is_limited_by_its_bytes_as_json() -> None:
    assert refusals({"metadata": {"a": "x" * (4096 - 8)}}) == {}
    assert refusals({"metadata": {"a": "x" * (4096 - 7)}}) == {"metadata": "max_bytes"}


@pytest.mark.parametrize(
    "metadata", [{"__proto__": 1}, {"a": {"constructor": 1}}, {"a": [[{"prototype": {}}]]}, {"\u005f_proto__": None}]
)
def test_metadata_with_a_key_that_pollutes_prototypes_is_rejected(metadata: object) -> None:
    assert refusals({"metadata": metadata}) == {"metadata": "forbidden_key"}
    assert refusals({"metadata": {"a": ["__proto__", "constructor"]}}) == {}


def test_null_means_absent_for_an_optional_field() -> None:
    body = Body(data=dict.fromkeys(set(Body().fields) - {"made_at"}) | {"inner": {"flag": None}})

    assert body.is_valid()
    assert body.validated_data == {"inner": {}}


@pytest.mark.parametrize("time", ["2026-01-01t00:00:00z", "2026-01-01T00:00:00Z", "2026-01-01T02:00:00.123456+02:00"])
def test_a_time_with_an_offset_is_accepted(time: str) -> None:
    assert refusals({"at": time}) == {}


@pytest.mark.parametrize("time", ["2026-01-01T00:00:00", "2026-01-01", "now", "", "2026-13-01T00:00:00Z"])
def test_a_malformed_time_is_rejected(time: str) -> None:
    assert refusals({"at": time}) == {"at": "invalid"}


def test_a_time_is_rendered_in_utc_with_milliseconds() -> None:
    assert TimeField().to_representation(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"


class Query(QuerySerializer):
    flag = QueryBool(required=False)


@pytest.mark.parametrize(("given", "expected"), [("true", True), ("false", False)])
def test_a_boolean_of_a_query_is_spelled_as_in_json(given: str, expected: bool) -> None:
    query = Query(data={"flag": given})

    assert query.is_valid()
    assert query.validated_data == {"flag": expected}


@pytest.mark.parametrize("given", ["TRUE", "True", "yes", "1", ""])
def test_other_booleans_of_a_query_are_refused(given: str) -> None:
    assert not Query(data={"flag": given}).is_valid()
