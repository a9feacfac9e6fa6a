"""The documents as the tests read them: pages, sections, fenced blocks, tables and links."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers import ROOT

ADDRESS = "PARLEY=http://127.0.0.1:8000\n"  # the first line of each tour
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PAGES = sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))


def read(page: str) -> str:
    """The text of a page, which is named by its path in the repository."""
    return (ROOT / page).read_text()


def section(page: str, title: str) -> str:
    """The text under a heading of a page, up to the next heading of any level."""
    parts = HEADING.split(FENCE.sub(lambda fence: fence[0].replace("\n#", "\n\0#"), read(page)))
    text = dict(zip(parts[1::2], parts[2::2], strict=True))[title]
    return text.replace("\n\0#", "\n#")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return [body for name, body in FENCE.findall(text) if name == language]


def objects(text: str) -> Iterator[Any]:
    """The JSON objects in a text that holds other things too."""
    while (start := text.find('{"')) >= 0:
        value, end = json.JSONDecoder().raw_decode(text, start)
        yield value
        text = text[end:]


def table(text: str) -> list[list[str]]:
    """The rows of a section's table, without its head; a cell that is all code loses its marks."""
    rows = [line.strip("| \n").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return [[re.sub("^`([^`]*)`$", r"\1", cell.strip()) for cell in row] for row in rows[2:]]


def links(page: str) -> list[str]:
    """The targets of a page's links, outside of code."""
    return LINK.findall(re.sub(r"`[^`\n]*`", "", FENCE.sub("", read(page))))


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them: a repeated one gets a number."""
    seen: Counter[str] = Counter()
    found = set()
    for title in HEADING.findall(FENCE.sub("", path.read_text())):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        anchor = re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found
