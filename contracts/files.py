"""Renders the two contracts as YAML, writes them (`make schema`) and compares them (`make check`)."""

from __future__ import annotations

from collections.abc import Callable
from difflib import unified_diff
from typing import Any

import orjson
import yaml

from contracts.asyncapi import asyncapi
from contracts.openapi import ROOT, openapi

CONTRACTS: dict[str, Callable[[], dict[str, Any]]] = {"openapi.yaml": openapi, "asyncapi.yaml": asyncapi}
HEADER = "# Generated from the code by `make schema`; do not edit.\n"


class _Dumper(yaml.SafeDumper):
    """YAML in block style, without anchors, and with literal blocks for text of several lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True  # anchors would be right, and unreadable

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def render(name: str) -> str:
    """Generate the text of a contract."""
    document = orjson.loads(orjson.dumps(CONTRACTS[name](), option=orjson.OPT_PASSTHROUGH_SUBCLASS, default=str))
    return HEADER + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def write(name: str) -> None:
    """Generate a contract and write it to the root of the repository."""
    (ROOT / name).write_text(render(name))


def difference(name: str) -> str:
    """The difference between the committed file and the code; empty when they match."""
    path = ROOT / name
    committed = path.read_text() if path.exists() else ""
    lines = unified_diff(committed.splitlines(), render(name).splitlines(), f"{name} (committed)", "from the code", n=2)
    return "\n".join(lines)
