"""The files of clients/typescript that can be judged without Node."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from contracts import files, typescript
from realtime.close_codes import CloseCode
from tests.contracts.documents import ROOT

PACKAGE = ROOT / "clients/typescript"


def test_a_stale_file_of_the_client_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = f"{typescript.FOLDER}/codes.ts"
    stale = (ROOT / name).read_text().replace("4410, ", "")
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(stale)
    monkeypatch.setattr(files, "ROOT", tmp_path)

    assert "+export const FINAL_CLOSE_CODES" in files.difference(name)


def test_the_client_does_not_come_back_after_a_final_close() -> None:
    final = [code.value for code in CloseCode if not code.reconnect]

    codes = (ROOT / typescript.FOLDER / "codes.ts").read_text()
    assert f"FINAL_CLOSE_CODES: readonly number[] = {final};" in codes


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"]}, "string | null"),
        ({"type": "array", "items": {"type": ["integer", "null"]}}, "(number | null)[]"),
        ({"oneOf": [{"$ref": "#/components/schemas/Message"}, {"type": "null"}]}, "Message | null"),
        ({"type": ["string", "null"], "enum": ["owner", None]}, '"owner" | null'),
        ({"type": "object", "additionalProperties": {}}, "Record<string, unknown>"),
        ({"type": "object", "properties": {}, "additionalProperties": False}, "Record<string, never>"),
        ({"type": "object", "properties": {"a": {"const": "b"}}}, '{\n  a?: "b";\n}'),
        ({}, "unknown"),
    ],
)
def test_a_schema_becomes_a_type(schema: dict[str, Any], expected: str) -> None:
    assert typescript.type_of(schema) == expected


def test_the_package_has_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert json.loads((PACKAGE / "package.json").read_text())["version"] == project["version"]


def test_the_lock_names_no_registry() -> None:
    packages = json.loads((PACKAGE / "package-lock.json").read_text())["packages"]

    assert len(packages) > 50
    assert [name for name, package in packages.items() if "resolved" in package] == []
