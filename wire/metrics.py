"""Measurements of this process: plain numbers, changed where something happens and read when they are scraped.

prometheus_client renders them (`wire.exposition`). Its own counters take a lock, and with several processes write to a
mapped file for each addition; on the hot paths an addition to an integer costs a tenth of that.
"""

from __future__ import annotations

import os
import resource
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

Labels = tuple[str, ...]
Sample = tuple[Labels, Any]  # the value is a number; of a histogram, the counts of its buckets and the sum

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

METRICS: dict[str, Metric] = {}  # by name, in the order of their declaration


class Metric:
    """A declared metric. Raises ValueError for a name that is declared twice."""

    kind: ClassVar[str]

    def __init__(self, name: str, summary: str, labels: Labels = ()) -> None:
        if name in METRICS:
            raise ValueError(f"The metric {name} is declared twice.")
        self.name, self.summary, self.labels = name, summary, labels
        METRICS[name] = self

    def samples(self) -> Iterable[Sample]:
        """Return the values now, by their labels."""
        raise NotImplementedError


class Counter(Metric):
    """A number that only grows. The event loop adds to `value`; `add` is for code that runs on several threads."""

    kind = "counter"

    def __init__(self, name: str, summary: str) -> None:
        super().__init__(name, summary)
        self.value: float = 0
        self._lock = Lock()

    def add(self, amount: float = 1) -> None:
        """Add on any thread."""
        with self._lock:
            self.value += amount

    def samples(self) -> Iterable[Sample]:
        return [((), self.value)]


class LabelledCounter(Metric):
    """A counter for each combination of labels, of which there must be few. Any thread adds."""

    kind = "counter"

    def __init__(self, name: str, summary: str, *labels: str) -> None:
        super().__init__(name, summary, labels)
        self._values: dict[Labels, float] = {}
        self._lock = Lock()

    def add(self, *labels: str, amount: float = 1) -> None:
        """Add to the counter with these labels."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + amount

    def samples(self) -> Iterable[Sample]:
        with self._lock:
            return list(self._values.items())


class Gauge(Metric):
    """A number that goes up and down: `value`, or what `read` returns, which must be cheap (it walks nothing)."""

    kind = "gauge"

    def __init__(self, name: str, summary: str, read: Callable[[], float] | None = None) -> None:
        super().__init__(name, summary)
        self.value: float = 0
        self.read = read

    def samples(self) -> Iterable[Sample]:
        return [((), self.value if self.read is None else self.read())]


class ReadMetric(Metric):
    """Numbers that exist elsewhere: `read` returns the value for each combination of labels, or nothing."""

    def __init__(
        self, kind: str, name: str, summary: str, read: Callable[[], Iterable[Sample]], labels: Labels = ()
    ) -> None:
        super().__init__(name, summary, labels)
        self.kind = kind  # type: ignore[misc]  # a constant of the other classes
        self.samples = read  # type: ignore[method-assign]


class Histogram(Metric):
    """Counts of observations by size, for each combination of labels. Any thread observes."""

    kind = "histogram"

    def __init__(self, name: str, summary: str, *labels: str, buckets: Sequence[float] = SECONDS) -> None:
        """`buckets` are the upper bounds, in ascending order, without infinity."""
        super().__init__(name, summary, labels)
        self.buckets = buckets
        self._observed: dict[Labels, list[float]] = {} if labels else {(): [0] * (len(buckets) + 2)}
        self._lock = Lock()

    def observe(self, value: float, *labels: str) -> None:
        """Count an observation; a negative one, of two clocks that differ, counts as 0."""
        with self._lock:
            counts = self._observed.get(labels)
            if counts is None:
                counts = self._observed[labels] = [0] * (len(self.buckets) + 2)
            counts[bisect_left(self.buckets, value)] += 1
            if value > 0:
                counts[-1] += value

    def samples(self) -> Iterable[Sample]:
        with self._lock:
            return [(labels, list(counts)) for labels, counts in self._observed.items()]


def snapshot() -> dict[str, list[Sample]]:
    """Return the samples of all metrics of this process, as JSON can hold them."""
    return {name: list(metric.samples()) for name, metric in METRICS.items()}


# Of the process, under the names that boards and rules know from other programs.

_STARTED = time.time()
_STATM = Path("/proc/self/statm")
Gauge("process_start_time_seconds", "The time at which the process started, in seconds since 1970", lambda: _STARTED)
Gauge(
    "process_resident_memory_bytes",
    "Memory of the process",
    lambda: int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if _STATM.exists() else 0,
)
ReadMetric(
    "counter",
    "process_cpu_seconds_total",
    "CPU time of the process, of user and system",
    lambda: [((), sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))],
)
