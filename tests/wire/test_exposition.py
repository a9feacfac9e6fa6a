"""The text of the metrics: ours is that of prometheus_client, to the byte."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import pytest
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from wire import metrics
from wire.exposition import FAMILIES, render
from wire.problems import REFUSALS
from wire.snapshots import workers

OPEN_METRICS = "application/openmetrics-text;version=1.0.0"


class Library(Collector):
    """The metrics of snapshots as the library collects them."""

    def __init__(self, snapshots: list[tuple[int, Any, float]]) -> None:
        self.snapshots = snapshots

    def collect(self) -> Iterator[Family]:
        extra = () if len(self.snapshots) == 1 else ("worker",)
        for name, metric in metrics.METRICS.items():
            family = FAMILIES[metric.kind](name, metric.summary, labels=[*metric.labels, *extra])
            for worker, samples, age in self.snapshots:
                of_age = name == "parley_snapshot_age_seconds"
                for labels, value in [((), age)] if of_age else samples[name]:
                    self.add(family, metric, [*labels, *([str(worker)] if extra else [])], value)
            yield family

    def add(self, family: Any, metric: metrics.Metric, labels: list[str], value: Any) -> None:
        if isinstance(metric, metrics.Histogram):
            bounds = [*map(str, metric.buckets), "+Inf"]
            family.add_metric(labels, list(zip(bounds, accumulate(value[:-1]), strict=True)), value[-1])
        else:
            family.add_metric(labels, value)


def test_a_malformed_version_in_the_accept_header_gets_the_plain_text() -> None:
    _, content_type = render("application/openmetrics-text; version=newest")

    assert content_type == choose_encoder("")[1]


@pytest.mark.parametrize("accept", ["", "text/plain;version=0.0.4", OPEN_METRICS])
@pytest.mark.parametrize("count", [1, 2])
def test_the_text_is_that_of_the_library(monkeypatch: pytest.MonkeyPatch, accept: str, count: int) -> None:
    monkeypatch.setitem(REFUSALS._values, ('a "code" \\ of\ntwo lines',), 1e9)
    histogram = next(each for each in metrics.METRICS.values() if isinstance(each, metrics.Histogram) and each.labels)
    counts = [float(number) for number in range(len(histogram.buckets) + 1)]
    monkeypatch.setitem(histogram._observed, ("x",) * len(histogram.labels), [*counts, 99.5])
    snapshots = [(number, metrics.snapshot(), number / 3) for number in range(count)]
    monkeypatch.setattr(type(workers), "count", count)
    monkeypatch.setattr(workers, "snapshots", lambda: iter(snapshots))

    text, content_type = render(accept)
    again, _ = render(accept)

    encode, expected_type = choose_encoder(accept)
    assert text == again == encode(Library(snapshots))
    assert content_type == expected_type
