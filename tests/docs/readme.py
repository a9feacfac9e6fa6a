"""The README as the tests read it: its sections, its fenced blocks, its tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.servers import ROOT

README = (ROOT / "README.md").read_text()
FENCE = re.compile(r"^```([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "PARLEY=http://127.0.0.1:8000\n"  # the tour's first line
HEADING = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)


def section(title: str) -> str:
    """What stands under a heading, up to the next one of any level."""
    parts = HEADING.split(FENCE.sub(lambda fence: fence[0].replace("\n#", "\n\0#"), README))
    text = dict(zip(parts[1::2], parts[2::2], strict=True))[title]
    return text.replace("\n\0#", "\n#")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return [body for name, body in FENCE.findall(text) if name == language]


def objects(text: str) -> Iterator[Any]:
    """The JSON objects in a text, whatever stands between them."""
    while (start := text.find('{"')) >= 0:
        value, end = json.JSONDecoder().raw_decode(text, start)
        yield value
        text = text[end:]


def table(text: str) -> list[list[str]]:
    """The rows of a section's table, without its head; a cell that is all code loses its marks."""
    rows = [line.strip("| \n").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return [[re.sub("^`([^`]*)`$", r"\1", cell.strip()) for cell in row] for row in rows[2:]]


def rows(text: str) -> list[list[str]]:
    """The same of the first table in any text."""
    return table(re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)[0])  # type: ignore[index]
