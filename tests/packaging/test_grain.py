"""The grain of the product: how many one-caller helpers it has, and how long its files and functions are.

A private helper of a few lines with one caller is a detour for the reader (CONTRIBUTING.md). Some are worth a name, so
the test limits their number and does not forbid them.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import ROOT

PACKAGES = ("wire", "accounts", "eventlog", "api", "realtime", "staff", "contracts", "settings")
MAX_TINY_HELPERS = 49
TINY_LINES = 4
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40

Function = ast.FunctionDef | ast.AsyncFunctionDef


def product_files() -> list[Path]:
    """The Python files of the product, without migrations."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [path for path in sorted(files) if "migrations" not in path.parts]


def functions(source: str) -> list[Function]:
    """All functions and methods of a file, nested ones too."""
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, Function)]


def body_lines(function: Function) -> int:
    """The number of lines of the body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def function_lines(function: Function) -> int:
    """The number of lines from `def` to the end."""
    return (function.end_lineno or 0) - function.lineno + 1


def is_super(node: ast.expr) -> bool:
    """Return whether this is `super()`: an override that calls the overridden method is not its own caller."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def tiny_helpers(source: str) -> Iterator[str]:
    """The private functions and methods of at most TINY_LINES lines whose name occurs once besides its definition."""
    used: Counter[str] = Counter()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            used[node.id] += 1
        elif isinstance(node, ast.Attribute) and not is_super(node.value):
            used[node.attr] += 1
    for function in functions(source):
        is_private = function.name.startswith("_") and not function.name.startswith("__")
        if is_private and used[function.name] == 1 and body_lines(function) <= TINY_LINES:
            yield f"{function.lineno} {function.name}"


def named(found: list[str]) -> str:
    """The offenders, one a line, for the message of a failed assertion."""
    return "\n".join(found)


def test_few_helpers_of_one_caller_have_only_a_few_lines() -> None:
    found = [f"{path.relative_to(ROOT)}:{each}" for path in product_files() for each in tiny_helpers(path.read_text())]

    assert len(found) <= MAX_TINY_HELPERS, f"{len(found)} tiny helpers with one caller:\n{named(found)}"


def test_no_file_is_too_long() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in product_files()}
    assert len(lengths) > 100

    found = [f"{path}: {lines} lines" for path, lines in lengths.items() if lines > MAX_FILE_LINES]

    assert not found, named(found)


def test_no_function_is_too_long() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}: {function_lines(function)} lines"
        for path in product_files()
        for function in functions(path.read_text())
        if function_lines(function) > MAX_FUNCTION_LINES
    ]

    assert not found, named(found)


SHORT = "def _short():\n    return 1\n"
LONG = "def _long():\n" + "    print()\n" * 5


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (f"{SHORT}_short()\n", ["1 _short"]),
        (f"{SHORT}_short()\n_short()\n", []),
        (f"{LONG}_long()\n", []),
        ('def _short():\n    """One\n\n    and\n    two."""\n    return 1\n_short()\n', ["1 _short"]),
        (
            "class A:\n    def _short(self):\n        return 1\n    def f(self):\n        return self._short()\n",
            ["2 _short"],
        ),
        ("def short():\n    return 1\nshort()\n", []),
        ("class A:\n    def __len__(self):\n        return 1\n", []),
        ("class A(B):\n    def _short(self):\n        super()._short()\n", []),
    ],
    ids=["one caller", "two callers", "long", "docstring", "method", "public", "special", "override"],
)
def test_a_tiny_helper_is_found(source: str, found: list[str]) -> None:
    assert list(tiny_helpers(source)) == found
