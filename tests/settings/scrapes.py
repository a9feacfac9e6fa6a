"""Scrapes of a live server, as Prometheus reads them."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from tests.servers import ParleyServer

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]  # by name and labels


def scrape(url: str, token: str = "") -> Samples:
    """All samples of a page of metrics."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as response:
        text = response.read().decode()
    families = text_string_to_metric_families(text)
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value for family in families for each in family.samples
    }


def metrics_of(parley: ParleyServer, token: str = "") -> Samples:
    """All samples of a server, at its main port."""
    return scrape(f"{parley.url}/metrics", token)


def values(samples: Samples, name: str, **labels: str) -> Mapping[tuple[tuple[str, str], ...], float]:
    """The samples of this name that have these labels, by their other labels without `worker`, summed over workers."""
    found: dict[tuple[tuple[str, str], ...], float] = {}
    for (each, given), value in samples.items():
        if each == name and labels.items() <= dict(given).items():
            rest = tuple(pair for pair in given if pair[0] not in {"worker", *labels})
            found[rest] = found.get(rest, 0) + value
    return found


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels."""
    return sum(values(samples, name, **labels).values())
