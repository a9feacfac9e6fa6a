"""Docstrings begin with a verb or the name of a thing, not with a question word (CONTRIBUTING.md, 8)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import ROOT

PACKAGES = (
    "wire",
    "accounts",
    "eventlog",
    "api",
    "realtime",
    "staff",
    "contracts",
    "settings",
    "clients",
    "examples",
    "tests",
)
QUESTION = re.compile(r"(What|Who|Whom|Whose|How|Where|Whether|When|From|Of|As|Also|Whatever|Whoever)\b")


def questions(source: str) -> Iterator[str]:
    """The first lines of docstrings that begin with a question word."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring and QUESTION.match(docstring):
                yield docstring.splitlines()[0]


def judged_files() -> list[Path]:
    """Every Python file of the repository's packages, except migrations."""
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]


def test_no_docstring_begins_with_a_question_word() -> None:
    files = judged_files()
    assert len(files) > 150

    found = [f"{path.relative_to(ROOT)}: {line}" for path in files for line in questions(path.read_text())]

    assert not found, "\n".join(found)


@pytest.mark.parametrize("docstring", ["Whether it works.", "What came in.", "From where it starts.", "As the other."])
def test_a_docstring_that_begins_with_a_question_word_is_found(docstring: str) -> None:
    assert list(questions(f'def works():\n    """{docstring}"""')) == [docstring]
