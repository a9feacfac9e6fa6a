"""docs/architecture.md and the decisions name modules, functions and classes that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.docs.pages import FENCE, PAGES, read
from tests.servers import ROOT

NAMING = ["docs/architecture.md", "CONTRIBUTING.md", *(page for page in PAGES if page.startswith("docs/decisions/"))]
PRODUCT = ("wire", "accounts", "eventlog", "api", "realtime", "staff", "contracts", "settings")
PATH = re.compile(
    r"^[\w.-]+(/[\w.-]+)*(/|\.py|\.md|\.yaml)$|^(" + "|".join((*PRODUCT, "tests", "examples")) + r")/[\w/]+$"
)
CLASS = re.compile(r"^([A-Z]\w*[a-z]\w*)(?:\.([a-z_]+))?$")
CALL = re.compile(r"^(?:\w+\.)*([a-z_]+)\(\)$")
PLACED = re.compile(r"`(\w+(?:\.\w+)?)(?:\(\))?`\s+\(`([\w/]+\.py)`")  # a name, and its file in brackets


def code(page: str) -> Iterator[str]:
    """The pieces of a page that are marked as code within a sentence."""
    yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", read(page)))


def source() -> str:
    """The code of the product."""
    files = [path for package in PRODUCT for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]
    assert len(files) > 100
    return "\n".join(path.read_text() for path in files)


@pytest.mark.parametrize("page", NAMING)
def test_every_path_exists(page: str) -> None:
    """A path is relative to the repository, in the decisions and the guide perhaps to `api`."""
    missing = [
        name
        for name in code(page)
        if PATH.match(name) and not any((base / name).exists() for base in (ROOT, ROOT / "api"))
    ]

    assert missing == []


def test_every_class_and_function_exists() -> None:
    text = source()
    missing = []
    for name in code("docs/architecture.md"):
        if found := CLASS.match(name):
            wanted = [rf"^class {found[1]}\b"] + ([rf"def {found[2]}\b"] if found[2] else [])
        elif found := CALL.match(name):
            wanted = [rf"^ *(async )?def {found[1]}\b|^{found[1]} = "]
        else:
            continue
        missing += [name for pattern in wanted if not re.search(pattern, text, re.MULTILINE)]

    assert missing == []


def test_every_name_is_defined_in_the_file_beside_it() -> None:
    placed = PLACED.findall(FENCE.sub("", read("docs/architecture.md")))
    assert len(placed) > 20

    missing = [
        f"{name} in {path}"
        for name, path in placed
        for part in name.split(".")
        if not re.search(rf"^ *(class|(async )?def) {part}\b|^{part} = ", (ROOT / path).read_text(), re.MULTILINE)
    ]

    assert missing == []
