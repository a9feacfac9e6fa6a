"""Renders the contracts and the types of the TypeScript client, writes them (`make schema`) and compares them."""

from __future__ import annotations

from collections.abc import Callable
from difflib import unified_diff
from typing import Any

import orjson
import yaml

from contracts.asyncapi import asyncapi
from contracts.openapi import ROOT, openapi
from contracts.typescript import FOLDER, client_codes, contract_types

CONTRACTS: dict[str, Callable[[], dict[str, Any]]] = {"openapi.yaml": openapi, "asyncapi.yaml": asyncapi}
TYPESCRIPT: dict[str, Callable[[], str]] = {
    f"{FOLDER}/contract.ts": contract_types,
    f"{FOLDER}/codes.ts": client_codes,
}
FILES = (*CONTRACTS, *TYPESCRIPT)
HEADER = "# Generated from the code by `make schema`; do not edit.\n"


class _Dumper(yaml.SafeDumper):
    """YAML in block style, without anchors, and with literal blocks for text of several lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True  # anchors would be right, and unreadable

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def render(name: str) -> str:
    """Generate the text of a file."""
    if name in TYPESCRIPT:
        return TYPESCRIPT[name]()
    document = orjson.loads(orjson.dumps(CONTRACTS[name](), option=orjson.OPT_PASSTHROUGH_SUBCLASS, default=str))
    return HEADER + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def write(name: str) -> None:
    """Generate a file and write it into the repository."""
    path = ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(name))


def difference(name: str) -> str:
    """The difference between the committed file and the code; empty when they match."""
    path = ROOT / name
    committed = path.read_text() if path.exists() else ""
    lines = unified_diff(committed.splitlines(), render(name).splitlines(), f"{name} (committed)", "from the code", n=2)
    return "\n".join(lines)
