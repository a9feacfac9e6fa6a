"""The committed contracts are up to date and valid by their standards, and their examples match their schemas."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from django.core.management import CommandError, call_command
from openapi_spec_validator import OpenAPIV31SpecValidator

from contracts import components, files
from realtime.server import frames as server_frames
from tests.contracts.documents import ROOT, Undocumented, asyncapi, openapi
from wire.problems import REGISTRY

ASYNCAPI_SCHEMA = ROOT / "tests/contracts/asyncapi-3.0.0.schema.json"


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in openapi().document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_a_stale_contract_file_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(files, "ROOT", tmp_path)
    call_command("contracts")
    text = (tmp_path / "openapi.yaml").read_text()
    (tmp_path / "openapi.yaml").write_text(text.replace("operationId: send_message", "operationId: shout"))

    with pytest.raises(CommandError, match=r"(?s)-\s+operationId: shout.*\+\s+operationId: send_message.*make schema"):
        call_command("contracts", check=True)


def test_openapi_yaml_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(openapi().document).iter_errors()) == []


def test_asyncapi_yaml_is_valid() -> None:
    validator = jsonschema_rs.validator_for(json.loads(ASYNCAPI_SCHEMA.read_text()))
    assert [error.message for error in validator.iter_errors(asyncapi().document)] == []


def test_a_misspelt_asyncapi_document_is_invalid() -> None:
    validator = jsonschema_rs.validator_for(json.loads(ASYNCAPI_SCHEMA.read_text()))
    ping = asyncapi().document["operations"]["ping"]
    planted = {**asyncapi().document, "operations": {"ping": {**ping, "action": "recieve"}}}

    assert not validator.is_valid(planted)


def test_the_contracts_have_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {openapi().document["info"]["version"], asyncapi().document["info"]["version"]} == {project["version"]}


def test_every_operation_names_its_problems() -> None:
    for name, operation in operations():
        if operation["tags"] == ["probes"]:
            continue
        assert operation["summary"], name
        assert {"400", "406", "500", "503"} <= set(operation["responses"]), name
        assert ("401" in operation["responses"]) or operation["security"] == [] or name.endswith("auth/login"), name


def test_every_query_parameter_is_described() -> None:
    for name, operation in operations():
        for parameter in operation.get("parameters", []):
            assert parameter["in"] == "path" or parameter["description"], f"{name}: {parameter['name']}"


def test_every_problem_code_has_an_example() -> None:
    document = openapi().document
    for name, response in document["components"]["responses"].items():
        (media,) = response["content"].values()
        assert media["schema"] == {"$ref": "#/components/schemas/Problem"}, name
        assert list(media["examples"]) == response["x-problem-codes"], name
        for code in response["x-problem-codes"]:
            assert f"`{code}`" in response["description"], name
            openapi().judge(media["schema"], document["components"]["examples"][code]["value"])


def test_the_examples_of_rest_match_their_schemas() -> None:
    for name, operation in operations():
        answers = [answer for answer in operation["responses"].values() if "content" in answer]
        for holder in [operation.get("requestBody", {}), *answers]:
            for media in holder.get("content", {}).values():
                if "example" in media:
                    _check_example(name, openapi(), media["schema"], media["example"])


def test_the_examples_of_frames_match_their_schemas() -> None:
    for name, message in asyncapi().document["components"]["messages"].items():
        for example in message["examples"]:
            _check_example(name, asyncapi(), message["payload"], example["payload"])
            if name.endswith(("Reply", "Push", "FrameError")):
                asyncapi().judge_frame(example["payload"])


def test_the_examples_of_events_match_their_schemas() -> None:
    for row in asyncapi().document["x-event-types"]:
        assert (row["example"]["type"], row["example"]["seq"] is not None) == (row["type"], row["durable"])
        asyncapi().judge_event(row["example"])


def _check_example(name: str, contract: Any, schema: dict[str, Any], value: object) -> None:
    try:
        contract.judge(schema, value)
    except Undocumented as error:
        pytest.fail(f"{name}: {error}")


# Fields that depend on the stream or on the state of the server.
OPTIONAL = {
    "Problem": {"offset"},
    "ReadUpdated": {"unread", "unread_capped"},
    "MessageAndMine": {"mine"},
    "MessageHistory": {"root"},
    "Health": {"reason", "parts"},
    "HealthParts": None,
}


def test_every_field_of_a_response_is_required() -> None:
    """Generated types have `kind: string`, not `kind?: string`."""
    schemas = openapi().document["components"]["schemas"]
    answers = {name: schema for name, schema in schemas.items() if schema.get("additionalProperties") is not False}
    for name, schema in answers.items():
        fields = set(schema.get("properties", ()))
        optional = OPTIONAL.get(name, set())
        assert set(schema.get("required", ())) == fields - (fields if optional is None else optional), name


@pytest.mark.parametrize("name", files.CONTRACTS)
def test_the_contracts_contain_no_notes_of_the_generator(name: str) -> None:
    assert [note for note in components.DROPPED if f" {note}:" in (ROOT / name).read_text()] == []


def test_both_contracts_list_every_problem_code() -> None:
    assert asyncapi().problem_codes == set(REGISTRY)
    assert openapi().document["components"]["schemas"]["ProblemCode"]["enum"] == sorted(REGISTRY)


def test_the_close_reasons_of_the_server_are_documented() -> None:
    for close in (
        server_frames.RESTART,
        server_frames.FRAME_TOO_BIG,
        server_frames.TOO_SLOW,
        server_frames.HEARTBEAT,
    ):
        row = asyncapi().closes[close.code]
        assert close.reason in row["reasons"]
        assert close.reconnect == row["reconnect"]
