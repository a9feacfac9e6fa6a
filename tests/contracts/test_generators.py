"""Properties of the two contracts that code generators need; `make test-clients` runs the generators."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from realtime.close_codes import CloseCode
from tests.contracts.documents import Contract, asyncapi, openapi
from wire.fields import MetadataField, NameField, TextField
from wire.schema import FIELD_ERROR_CODES

CONTRACTS = {"openapi": openapi, "asyncapi": asyncapi}
VALUES = ("example", "examples", "value")  # no schemas below these


@pytest.fixture(params=CONTRACTS)
def contract(request: pytest.FixtureRequest) -> Contract:
    return CONTRACTS[request.param]()


def nodes(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a document outside its examples, with its place."""
    if isinstance(node, dict):
        yield place, node
        for key, value in node.items():
            if key not in VALUES:
                yield from nodes(value, f"{place}/{key}")
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from nodes(item, f"{place}/{index}")


def schemas() -> dict[str, Any]:
    found: dict[str, Any] = openapi().document["components"]["schemas"]
    return found


def names(union: str) -> dict[str, str]:
    """The components of a union by the value that selects them."""
    mapping = schemas()[union]["discriminator"]["mapping"]
    return {value: reference.rsplit("/", 1)[1] for value, reference in mapping.items()}


def test_each_const_and_enum_has_a_type(contract: Contract) -> None:
    bare = [
        place
        for place, node in nodes(contract.document)
        if ("const" in node or isinstance(node.get("enum"), list)) and "type" not in node
    ]

    assert bare == []


def test_null_is_always_one_of_several_types(contract: Contract) -> None:
    alone = [place for place, node in nodes(contract.document) if node.get("type") == "null"]

    assert [place for place in alone if not re.search(r"/oneOf/1$", place)] == []


@pytest.mark.parametrize("keyword", ["allOf", "anyOf"])
def test_no_schema_uses_all_of_or_any_of(contract: Contract, keyword: str) -> None:
    assert [place for place, node in nodes(contract.document) if keyword in node] == []


def test_every_request_id_has_one_type(contract: Contract) -> None:
    types = {
        str(node["request_id"]["type"])
        for place, node in nodes(contract.document)
        if place.endswith("/properties") and "request_id" in node
    }

    assert types == {"['string', 'null']"}


@pytest.mark.parametrize("union", ["ServerFrame", "ClientFrame"])
def test_each_frame_is_mapped_by_its_action(union: str) -> None:
    expected = set(asyncapi().actions) | ({"hello", "events", "goodbye"} if union == "ServerFrame" else set())

    assert schemas()[union]["discriminator"]["propertyName"] == "action"
    assert set(names(union)) == expected
    for action, name in names(union).items():
        assert schemas()[name]["properties"]["action"]["const"] == action


@pytest.mark.parametrize("union", ["Event", "EphemeralEvent", "PushedEvent"])
def test_each_event_is_mapped_by_its_type(union: str) -> None:
    durable = {"Event": {True}, "EphemeralEvent": {False}, "PushedEvent": {True, False}}[union]
    expected = {kind for kind, stored in asyncapi().event_types if stored in durable}

    assert schemas()[union]["discriminator"]["propertyName"] == "type"
    assert set(names(union)) == expected
    for kind, name in names(union).items():
        assert schemas()[name]["properties"]["type"]["const"] == kind


@pytest.mark.parametrize("union", ["ServerFrame", "ClientFrame", "Event", "EphemeralEvent", "PushedEvent"])
def test_a_mapping_names_the_members_of_its_union(union: str) -> None:
    members = [member["$ref"] for member in schemas()[union]["oneOf"] if "$ref" in member]

    assert [*schemas()[union]["discriminator"]["mapping"].values()] == members
    assert len(set(members)) == len(members)


def test_the_error_for_an_unreadable_frame_has_a_null_action() -> None:
    assert schemas()["FrameError"]["properties"]["action"]["enum"] == [None]
    assert {"oneOf": [{"$ref": "#/components/schemas/FrameError"}]} in schemas()["ServerFrame"]["oneOf"]


@pytest.mark.parametrize("name", ["before", "after", "around"])
def test_an_anchor_is_one_string(name: str) -> None:
    operation = openapi().operation("GET", "/v1/rooms/0199c7a5-3d2e-7c41-9a52-6f0d8e1b4c70/messages")
    assert operation is not None
    [schema] = [one["schema"] for one in operation["parameters"] if one["name"] == name]
    frame = schemas()["GetMessagesFrame"]["properties"][name]

    assert (schema["type"], frame["type"]) == ("string", ["string", "null"])
    assert schema["pattern"] == frame["pattern"]
    for place in ("unread", "0", "42", "0199C7A5-3d2e-7c41-9a52-6f0d8e1b4c70", "2026-11-22T09:30:00.000Z"):
        assert re.search(schema["pattern"], place), place
    for place in ("", "-1", "yesterday", "42 ", "0199c7a5"):
        assert not re.search(schema["pattern"], place), place


def test_the_rules_of_names_and_passwords_are_documented() -> None:
    register, password = (schemas()[name]["properties"] for name in ("RegisterBody", "ChangePasswordBody"))

    assert {"minLength": 3, "maxLength": 32, "pattern": "^[A-Za-z0-9_.-]{3,32}$"}.items() <= register[
        "username"
    ].items()
    for rule in (register["password"], password["new"]):
        assert {"minLength": 8, "maxLength": 1024}.items() <= rule.items()
        assert "common" in rule["description"]


def test_a_text_that_must_not_be_empty_has_a_minimum_length() -> None:
    for component, field in (
        ("LoginBody", "username"),
        ("LoginBody", "password"),
        ("ChangePasswordBody", "old"),
        ("DeleteMeBody", "password"),
        ("AuthenticateFrame", "token"),
    ):
        assert schemas()[component]["properties"][field]["minLength"] == 1, (component, field)


def test_the_error_codes_of_fields_are_listed() -> None:
    assert schemas()["FieldError"]["properties"]["code"] == {"$ref": "#/components/schemas/FieldErrorCode"}
    assert schemas()["FieldErrorCode"]["enum"] == [*FIELD_ERROR_CODES]


@pytest.mark.parametrize("field", [TextField, NameField, MetadataField])
def test_the_error_codes_of_custom_fields_are_listed(field: type[TextField] | type[MetadataField]) -> None:
    assert FIELD_ERROR_CODES.keys() >= vars(field)["default_error_messages"].keys()


def test_the_default_of_a_flag_is_written_as_in_json() -> None:
    assert schemas()["SyncFrame"]["properties"]["subscribe"]["description"].endswith("`false` when absent.")


def test_a_goodbye_has_the_reasons_of_the_close_codes() -> None:
    reasons = {reason for code in CloseCode for reason in code.reasons}

    assert set(schemas()["Goodbye"]["properties"]["reason"]["enum"]) == reasons


def test_the_documents_name_their_licence(contract: Contract) -> None:
    assert contract.document["info"]["license"]["name"] == "MIT"


def test_every_tag_and_parameter_is_described() -> None:
    tags = {tag["name"]: tag["description"] for tag in openapi().document["tags"]}

    for path in openapi().document["paths"].values():
        for operation in path.values():
            assert [tags[tag] for tag in operation["tags"]]
            assert all(one["description"] for one in operation.get("parameters", ())), operation["operationId"]


def example_values() -> Iterator[Any]:
    """The examples of both documents."""
    for document in (openapi().document, asyncapi().document):
        for _, node in nodes(document):
            for key in VALUES:
                if key in node:
                    yield node[key]


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from objects(value)


def kind_of_object(one: dict[str, Any]) -> str:
    """The kind of object that has this id; only a room has none of these fields."""
    of_messages = dict.fromkeys(("client_id", "errors", "base_version", "offset"), "message")
    marks = {**of_messages, "username": "user", "last_used_at": "session", "uses": "link"}
    return next((kind for field, kind in marks.items() if field in one), "room")


def test_an_id_in_the_examples_belongs_to_one_object() -> None:
    ids: dict[str, set[str]] = {kind: set() for kind in ("room", "message", "user", "session", "link")}
    for one in (found for example in example_values() for found in objects(example)):
        for kind in ids:
            if isinstance(one.get(f"{kind}_id"), str):
                ids[kind].add(one[f"{kind}_id"])
        if "id" in one:
            ids[kind_of_object(one)].add(one["id"])

    assert all(ids.values())
    assert sum(map(len, ids.values())) == len(set().union(*ids.values()))


def test_the_pages_in_the_examples_match_their_messages() -> None:
    pages = [one for example in example_values() for one in objects(example) if "page" in one and "results" in one]

    assert pages
    for page in pages:
        seqs = [message["seq"] for message in page["results"]]
        assert (page["page"]["oldest_seq"], page["page"]["newest_seq"]) == (min(seqs), max(seqs))
        assert max(seqs) <= page["head"]


def test_the_sessions_in_the_examples_expire_after_their_creation() -> None:
    for one in (found for example in example_values() for found in objects(example)):
        if "last_used_at" in one and "expires_at" in one:
            assert one["created_at"] <= one["last_used_at"] < one["expires_at"]
