"""The two contracts as files: rendered the same everywhere, written by `make schema`, compared by `make check`."""

from __future__ import annotations

from collections.abc import Callable
from difflib import unified_diff
from typing import Any

import orjson
import yaml

from contracts.asyncapi import asyncapi
from contracts.openapi import ROOT, openapi

CONTRACTS: dict[str, Callable[[], dict[str, Any]]] = {"openapi.yaml": openapi, "asyncapi.yaml": asyncapi}
HEADER = "# Made by `make schema` from the code; a change here is lost.\n"


class _Dumper(yaml.SafeDumper):
    """Block style with text as people write it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True  # anchors would be right, and unreadable

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def render(name: str) -> str:
    """The text of a contract, as the code has it now."""
    document = orjson.loads(orjson.dumps(CONTRACTS[name](), option=orjson.OPT_PASSTHROUGH_SUBCLASS, default=str))
    return HEADER + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def write(name: str) -> None:
    """Write a contract beside the code."""
    (ROOT / name).write_text(render(name))


def difference(name: str) -> str:
    """The difference between the committed file and the code; empty when they agree."""
    path = ROOT / name
    committed = path.read_text() if path.exists() else ""
    lines = unified_diff(committed.splitlines(), render(name).splitlines(), f"{name} (committed)", "from the code", n=2)
    return "\n".join(lines)
