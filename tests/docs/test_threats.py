"""The table of docs/threats.md: every row, and every test that it names."""

from __future__ import annotations

import re

from tests.docs.pages import read, table
from tests.docs.test_reference import names
from tests.servers import ROOT

ROWS = table(read("docs/threats.md"))
WITHOUT_SURFACE = {f"T{number}" for number in range(49, 55)}


def test_every_row_is_there() -> None:
    assert [row[0] for row in ROWS] == [f"T{number}" for number in range(1, 70)]


def test_every_row_with_a_surface_has_tests_that_exist() -> None:
    for row, _, _, _, cell in ROWS:
        named = re.findall(r"(tests/[\w/]+\.py)::(\w+)", cell)
        assert bool(named) != (row in WITHOUT_SURFACE), row
        for path, test in named:
            assert test in names(ROOT / path), f"{row}: {path}::{test}"


def test_the_security_policy_links_the_table() -> None:
    assert "docs/threats.md" in (ROOT / "SECURITY.md").read_text()
