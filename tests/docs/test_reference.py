"""The tables of the documents agree with the code: paths, actions, codes, settings, verbs, the tree, named tests."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from realtime.close_codes import CloseCode
from tests.contracts.documents import asyncapi, openapi
from tests.docs.pages import blocks, read, section, table
from tests.servers import ROOT

SOCKET = "docs/socket.md"
PAGES_OF_FRAMES = (SOCKET, "docs/presence.md", "docs/streaming.md")
REST = section("docs/rest.md", "Endpoints")
READERS = {
    "text",
    "secret",
    "flag",
    "choice",
    "integer",
    "words",
    "origins",
    "networks",
    "hosts",
    "header_names",
}  # of settings/env.py


@pytest.mark.parametrize("block", [block for page in PAGES_OF_FRAMES for block in blocks(read(page), "json frame")])
def test_the_frames_of_the_page_match_the_contract(block: str) -> None:
    frame = json.loads(block)

    if frame["action"] in asyncapi().actions and "response_status" not in frame:
        asyncapi().judge_as(f"{asyncapi().stem(frame['action'])}Frame", frame)
    else:
        asyncapi().judge_frame(frame)


def find(node: Any, key: str) -> Iterator[Any]:
    """The values under a key, at any depth of a document."""
    if isinstance(node, dict):
        yield from (value for name, value in node.items() if name == key)
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from find(child, key)


def test_the_limits_of_hello_are_those_of_the_contract() -> None:
    """The numbers agree with the example in asyncapi.yaml."""
    [shown] = [
        frame["data"] for frame in map(json.loads, blocks(read(SOCKET), "json frame")) if frame["action"] == "hello"
    ]
    [announced] = [value for value in find(asyncapi().document, "limits") if isinstance(value.get("frame_bytes"), int)]

    assert shown["limits"] == announced


def test_the_sync_example_matches_the_contract() -> None:
    text = section(SOCKET, "Coming back")
    [request], [response] = blocks(text, "json sync"), blocks(text, "json synced")
    operation = openapi().operation("POST", "/v1/sync")
    assert operation is not None

    openapi().judge(operation["requestBody"]["content"]["application/json"]["schema"], json.loads(request))
    openapi().judge_response("POST", "/v1/sync", 200, "application/json", json.loads(response))


def test_every_endpoint_is_listed() -> None:
    documented = {(method.upper(), path) for path, item in openapi().document["paths"].items() for method in item}

    assert {(method, path) for method, path, _ in table(REST)} == documented


def fields(cells: str) -> tuple[set[str], set[str]]:
    """All fields of a body as the tables write it, and those that it must have."""
    names = re.findall(r"(\w+)(\??)", re.sub(r"(?<=\w|\?)\{.*?\}", "", cells))
    return {name for name, _ in names}, {name for name, optional in names if not optional}


def documented(schema: dict[str, Any], components: dict[str, Any]) -> tuple[set[str], set[str]]:
    """The same of a schema; what every frame has is left out."""
    schema = components[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    envelope = {"action", "request_id"}
    return set(schema["properties"]) - envelope, set(schema.get("required", ())) - envelope


def test_every_body_of_rest_is_as_listed() -> None:
    schemas = openapi().document["components"]["schemas"]
    for method, path, cells in table(REST):
        body = openapi().document["paths"][path][method.lower()].get("requestBody")
        listed = re.search(r"(?:^|`)\{(.*?)\}(?:`|$)", cells)
        if listed is None:
            assert body is None or path in ("/v1/sync", "/v1/stream"), path
        else:
            assert fields(listed[1]) == documented(body["content"]["application/json"]["schema"], schemas), path


def test_every_action_is_listed() -> None:
    schemas = asyncapi().document["components"]["schemas"]
    rows = {action: body for action, body, _ in table(section(SOCKET, "Actions"))}

    assert set(rows) == set(asyncapi().actions)
    for action, body in rows.items():
        assert fields(body) == documented(schemas[f"{asyncapi().stem(action)}Frame"], schemas), action


def test_every_event_type_is_listed() -> None:
    assert [kind for kind, _ in asyncapi().event_types if f"`{kind}`" not in section(SOCKET, "Events")] == []


def test_the_close_codes_are_those_of_the_server() -> None:
    rows = {int(row[0]): row for row in table(section(SOCKET, "Close codes"))}

    assert list(rows) == list(CloseCode)
    for close in CloseCode:
        _, reasons, _, advice = rows[close]
        assert ("reconnect" in advice) == close.reconnect
        assert not close.reasons or re.findall(r"\w+", reasons) == list(close.reasons)


def settings() -> Iterator[tuple[str, Any]]:
    """Each variable that is read from the environment, with its default where the code names one."""
    for file in ("settings/base.py", "settings/email.py", "settings/env.py", "settings/jwts.py"):
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.args[0].value
                reads = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if reads in READERS and isinstance(name, str):
                    yield name, _value(node.args[1]) if len(node.args) > 1 else None


def _value(node: ast.expr) -> Any:
    try:
        return eval(compile(ast.Expression(node), "default", "eval"), {})  # `30 * 86_400` too
    except NameError:
        return None


def test_every_setting_is_listed_with_its_default() -> None:
    listed = {name: default for name, default, _ in table(section("docs/deploy.md", "Settings"))}
    spelt = {True: "1", False: "0"}

    read = dict(settings())

    assert set(listed) == set(read)
    for name, default in read.items():
        cells = " ".join(default) if isinstance(default, list) else spelt.get(default, str(default or ""))
        assert listed[name].startswith(cells), name


def test_every_verb_is_listed() -> None:
    [phony] = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert {row[0].removeprefix("make ") for row in table(section("CONTRIBUTING.md", "Commands"))} == set(phony.split())


def test_the_map_names_every_entry_of_the_tree() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    entries = {f"{path.split('/')[0]}/" if "/" in path else path for path in listed.split()}

    assert (
        set(re.findall(r"^    (\S+)", section("docs/architecture.md", "The map of the tree"), re.MULTILINE)) >= entries
    )


def names(path: Path) -> set[str]:
    """The tests of a file, those in classes too."""
    tree = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in tree if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_guarantee_has_its_tests() -> None:
    text = section("docs/guarantees.md", "The ten guarantees").partition("`make serve`")[0]
    guarantees = re.split(r"^\* \*\*(G\d+)\.\*\*", text, flags=re.MULTILINE)[1:]

    assert guarantees[::2] == [f"G{number}" for number in range(1, 11)]
    for guarantee, proof in zip(guarantees[::2], guarantees[1::2], strict=True):
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", proof)
        assert named, guarantee
        for path, test in named:
            assert test in names(ROOT / path), f"{path}::{test}"


def test_the_readme_names_every_guarantee() -> None:
    named = re.findall(r"^\* \*\*(G\d+)\.\*\*", section("README.md", "The guarantees"), re.MULTILINE)

    assert named == [f"G{number}" for number in range(1, 11)]
