"""Docstrings of the product begin with what a thing is or does, not with a question word (CONTRIBUTING.md, 8)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.servers import ROOT

PACKAGES = ("wire", "accounts", "eventlog", "api", "realtime", "contracts", "settings", "examples")
QUESTION = re.compile(r"(What|Who|Whom|Whose|How|Where|Whether|When|From|Of|As|Also|Whatever|Whoever)\b")


def questions(source: str) -> Iterator[str]:
    """The first lines of docstrings that begin with a question word."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring and QUESTION.match(docstring):
                yield docstring.splitlines()[0]


def test_no_docstring_begins_with_a_question_word() -> None:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]
    assert len(files) > 100

    found = [f"{path.relative_to(ROOT)}: {line}" for path in files for line in questions(path.read_text())]

    assert found == []


@pytest.mark.parametrize("docstring", ["Whether it works.", "What came in.", "From where it starts.", "As the other."])
def test_one_that_does_is_found(docstring: str) -> None:
    assert list(questions(f'def works():\n    """{docstring}"""')) == [docstring]
