"""The table of limits: each is enforced, and the documents repeat it."""

from __future__ import annotations

from tests.contracts.documents import asyncapi, openapi
from tests.docs.pages import section, table
from wire import limits, rates
from wire.operations import Cost
from wire.problems import REGISTRY


def test_every_limit_has_its_code() -> None:
    """Refused handshakes are limited too, but beyond their limit the answer is still limit.handshake."""
    codes = {f"limit.{name}" for name in rates.RATES} - {"limit.refused_handshake"}

    assert {code for code in REGISTRY if code.startswith("limit.")} == codes | {"limit.sockets"}


def test_every_cost_has_a_limit() -> None:
    assert set(limits._of_session) | {Cost.SEND, Cost.LOGIN} == set(Cost)


def test_the_page_has_the_table() -> None:
    rows = table(section("docs/rest.md", "Rate limits"))

    assert rows == [
        [
            rate.name,
            f"{rate.limit:,}",
            f"{rate.window_seconds:,} s",
            rate.by,
            rate.counts,
            "all processes" if rate.shared else "each process",
        ]
        for rate in rates.RATES.values()
    ]


def test_both_contracts_have_the_table() -> None:
    for document in (openapi().document, asyncapi().document):
        assert document["info"]["x-rate-limits"] == rates.ANNOUNCED
