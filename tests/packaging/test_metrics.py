"""Every metric is documented, and every metric of the documents, the board and the alert rules exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.docs.pages import section, table
from tests.servers import ROOT
from wire.exposition import render
from wire.metrics import METRICS, Histogram

PAGE = "docs/metrics.md"
NAME = re.compile(r"\b(?:parley|process)_[a-z0-9_]+\b")
SERIES = ("_bucket", "_sum", "_count")


def base(name: str) -> str:
    """The metric of a series: that of a histogram's buckets, sum and count is the histogram."""
    for suffix in SERIES:
        if isinstance(METRICS.get(name.removesuffix(suffix)), Histogram):
            return name.removesuffix(suffix)
    return name


def names(expressions: Iterator[str]) -> set[str]:
    """The metrics in expressions of PromQL; `ALERTS`, labels and functions have other forms."""
    return {base(name) for expression in expressions for name in NAME.findall(expression)}


def board() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "deploy/grafana/parley.json").read_text())
    return loaded


def expressions_of_board() -> Iterator[str]:
    for panel in board()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load((ROOT / "deploy/prometheus/parley.rules.yml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def documented() -> dict[str, tuple[str, set[str]]]:
    rows = [row for row in table(section(PAGE, "Metrics")) if len(row) == 4 and NAME.fullmatch(row[0])]
    assert len(rows) == len({row[0] for row in rows})
    return {name: (kind, set(re.findall(r"\w+", labels))) for name, kind, labels, _ in rows}


def test_the_table_of_the_documents_is_the_list_of_the_code() -> None:
    assert documented() == {name: (metric.kind, set(metric.labels)) for name, metric in METRICS.items()}


def test_every_declared_metric_is_exposed() -> None:
    content, _ = render("")

    assert set(re.findall(r"(?m)^# TYPE (\S+) ", content.decode())) == set(METRICS)


def test_the_board_shows_every_metric_and_no_other() -> None:
    assert names(expressions_of_board()) == set(METRICS)


def test_the_board_shows_a_server_that_does_not_answer() -> None:
    """Prometheus makes `up` itself; all metrics of a dead server just end."""
    assert {'up{job="$job"}', 'sum(up{job="$job"})'} <= set(expressions_of_board())


def test_the_alerts_use_metrics_that_exist() -> None:
    used = names(rule["expr"] for rule in rules())

    assert used
    assert used <= set(METRICS)


def test_every_label_that_a_rule_or_panel_selects_exists() -> None:
    common = {"job", "instance", "worker", "le"}
    selections = [
        (base(name), label)
        for expression in [*expressions_of_board(), *(rule["expr"] for rule in rules())]
        for name, selector in re.findall(r"((?:parley|process)_\w+)\{([^}]*)\}", expression)
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)
    ]

    assert selections
    assert [each for each in selections if each[1] not in common | set(METRICS[each[0]].labels)] == []


def test_every_alert_has_advice_in_the_documents() -> None:
    assert [row[0] for row in table(section(PAGE, "Alerts"))] == [rule["alert"] for rule in rules()]


@pytest.mark.parametrize(
    "panel", [panel for panel in board()["panels"] if "targets" in panel], ids=lambda p: p["title"]
)
def test_a_panel_has_its_place_and_its_unit(panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    assert panel["description"]
