"""Fixtures that need more than Python: packages for Node, and the code of four generators."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.documents import asyncapi, openapi
from tests.realtime.deployment import Deployment
from tests.servers import ROOT

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
GENERATORS: dict[str, dict[str, Any]] = {
    # With the names of the wire: the generator checks two spellings of each other name, and for a Message with many of
    # them the compiler gives up.
    "typescript-fetch": {"additionalProperties": {"modelPropertyNaming": "original"}},
    # By default the Kotlin of a union is an interface without its members, and that of an object of any shape has no
    # serializer. With these options the one is a sealed interface, and the other is JSON.
    "kotlin": {
        "additionalProperties": {
            "serializationLibrary": "kotlinx_serialization",
            "generateOneOfAnyOfWrappers": "true",
            "enumPropertyNaming": "UPPERCASE",  # an entry with the name `name` would hide that of each enum
        },
        "typeMappings": {"object": "JsonElement", "AnyType": "JsonElement"},
        "importMappings": {"JsonElement": "kotlinx.serialization.json.JsonElement"},
    },
    "swift6": {},
    "dart": {},
}

# `make test` needs no Node and no Java.
collect_ignore_glob = [] if os.environ.get("TEST_CLIENTS") else ["test_*.py"]


def run(*command: str, cwd: Path = HERE, seconds: float = 900) -> str:
    """The output of a command, which must succeed."""
    environment = os.environ | {"PWD": str(cwd)}  # where openapi-generator-cli looks for openapitools.json
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{(done.stdout + done.stderr)[-6000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder of the commands of the packages, as package-lock.json has them."""
    modules = HERE / "node_modules"
    installed, wanted = modules / ".installed.json", (HERE / "package-lock.json").read_text()
    if not installed.exists() or installed.read_text() != wanted:
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        installed.write_text(wanted)
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir()
    return modules / ".bin"


@pytest.fixture(scope="session")
def generated(node: Path) -> Path:
    """The folder in which each generator has its own, with the client that it makes of openapi.yaml."""
    for name, options in GENERATORS.items():
        config = options | {
            "inputSpec": str(ROOT / "openapi.yaml"),
            "outputDir": str(BUILD / name),
            "generatorName": name,
            "globalProperties": dict.fromkeys(("modelDocs", "apiDocs", "modelTests", "apiTests"), "false"),
        }
        (BUILD / f"{name}.json").write_text(json.dumps(config))
    configs = [f"build/{name}.json" for name in GENERATORS]
    run(str(node / "openapi-generator-cli"), "batch", "--fail-fast", *configs)
    return BUILD


@pytest.fixture(scope="session")
def examples() -> Path:
    """A file with every example of both documents: its component, the union that it may come in, and its value."""
    found = [*_of_rest(), *_of_frames(), *_of_events()]
    assert len(found) > 150
    path = BUILD / "examples.json"
    path.write_text(json.dumps(found))
    return path


def _of_rest() -> Iterator[dict[str, Any]]:
    document = openapi().document
    for operation in (one for path in document["paths"].values() for one in path.values()):
        for holder in [operation.get("requestBody", {}), *operation["responses"].values()]:
            for media in holder.get("content", {}).values():
                if media.get("example"):  # an answer without fields gets no class
                    yield _example(media["schema"]["$ref"], media["example"])
    for problem in document["components"]["examples"].values():
        yield _example("Problem", problem["value"])


def _of_frames() -> Iterator[dict[str, Any]]:
    schemas = openapi().document["components"]["schemas"]
    for union in ("ClientFrame", "ServerFrame"):
        members = str(schemas[union]["oneOf"])
        for name, message in asyncapi().document["components"]["messages"].items():
            if f"/{name}'" in members:
                for example in message["examples"]:
                    yield _example(name, example["payload"], union)
    for name in ("RoomSocketSend", "RoomSocketMessage", "RoomSocketError"):
        for example in asyncapi().document["components"]["messages"][name]["examples"]:
            yield _example(name, example["payload"])


def _of_events() -> Iterator[dict[str, Any]]:
    for row in asyncapi().document["x-event-types"]:
        for union in ("PushedEvent", "Event" if row["durable"] else "EphemeralEvent"):
            yield _example(row["schema"]["$ref"], row["example"], union)


def _example(reference: str, value: Any, union: str | None = None) -> dict[str, Any]:
    return {"component": reference.rsplit("/", 1)[-1], "union": union, "value": value}


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    with Deployment(("daphne",)) as deployment:
        yield deployment
