"""The metrics of all workers in the formats of Prometheus, and a port of their own for them."""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Callable, Iterable
from itertools import accumulate
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from wire.metrics import METRICS, Gauge, Histogram, Labels, Metric
from wire.security import security_headers
from wire.snapshots import workers

logger = logging.getLogger(__name__)

FAMILIES: dict[str, Any] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
}
WORKER = "worker"  # the label with the number of the process, so that a counter that starts again is recognized
CLIENT_SECONDS = 10  # for a client of the port to send its request
_AGE = Gauge("parley_snapshot_age_seconds", "Age of the numbers of this worker; above a few seconds it is stuck")


class One(Collector):
    """Collects one family, or none."""

    def __init__(self, *families: Family) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families


class Exposition:
    """The metrics of this process and the last snapshots of its siblings, in one format.

    The library renders each name with its labels once, and a scrape adds the numbers: that takes a fifth of its time.
    """

    def __init__(self, encode: Callable[[Collector], bytes]) -> None:
        self._encode = encode
        self._heads: dict[str, str] = {}
        self._lines: dict[tuple[str, Labels], list[str]] = {}
        self._end = encode(One()).decode()

    def render(self) -> str:
        """Return the text of all metrics."""
        snapshots = list(workers.snapshots())
        is_one = workers.count == 1  # a label less makes a scrape a quarter cheaper
        parts: list[str] = []
        for name, metric in METRICS.items():
            labels = (*metric.labels, *(() if is_one else (WORKER,)))
            if name not in self._heads:
                family = FAMILIES[metric.kind](name, metric.summary, labels=labels)
                self._heads[name] = self._encode(One(family)).decode().removesuffix(self._end)
            parts.append(self._heads[name])
            for worker, samples, age in snapshots:
                for given, value in [((), age)] if metric is _AGE else samples.get(name, ()):
                    shown = (*given, *(() if is_one else (str(worker),)))
                    lines = self._lines.get((name, shown))
                    if lines is None:
                        lines = self._lines[name, shown] = self._name_lines(metric, labels, shown)
                    for line, number in zip(lines, _numbers(metric, value), strict=True):
                        parts.append(f"{line}{floatToGoString(number)}\n")  # type: ignore[no-untyped-call]
        return "".join([*parts, self._end])

    def _name_lines(self, metric: Metric, names: Labels, labels: Labels) -> list[str]:
        """Return the lines of a sample, each up to its number."""
        family = FAMILIES[metric.kind](metric.name, metric.summary, labels=names)
        if isinstance(metric, Histogram):
            bounds = [*map(str, metric.buckets), "+Inf"]
            family.add_metric(labels, buckets=[(bound, 0) for bound in bounds], sum_value=0)
        else:
            family.add_metric(labels, 0)
        lines = self._encode(One(family)).decode().removesuffix(self._end).splitlines()
        return [line.rpartition(" ")[0] + " " for line in lines if not line.startswith("#")]


def _numbers(metric: Metric, value: Any) -> list[float]:
    """Return the numbers of a sample, in the order of its lines: of a histogram the buckets, the count and the sum."""
    if not isinstance(metric, Histogram):
        return [value]
    *counts, total = value
    so_far = list(accumulate(counts))
    return [*so_far, so_far[-1], total]


MAX_FORMATS = 8  # that are kept; readers of the metrics ask for one or two
_formats: dict[str, Exposition] = {}


def render(accept: str) -> tuple[bytes, str]:
    """Return all metrics and their content type, in the format that an Accept header prefers."""
    try:
        encode, content_type = choose_encoder(accept)
    except TypeError:  # a version that is no number
        encode, content_type = choose_encoder("")
    exposition = _formats.get(content_type)
    if exposition is None:
        if len(_formats) >= MAX_FORMATS:
            _formats.clear()
        exposition = _formats[content_type] = Exposition(encode)
    return exposition.render().encode(), content_type


def may_read(authorization: str) -> bool:
    """Return whether a request with this Authorization header may read the metrics."""
    scheme, _, token = authorization.partition(" ")
    given, wanted = token.strip().encode(), settings.METRICS_TOKEN.encode()
    return not wanted or (scheme.lower() == "bearer" and hmac.compare_digest(given, wanted))


def serve_port() -> int:
    """Serve the metrics on METRICS_HOST and METRICS_PORT, on threads of their own; return the port.

    Raises OSError when the port is taken.
    """
    server = make_server(settings.METRICS_HOST, settings.METRICS_PORT, _application, _Server, _Handler)
    threading.Thread(target=server.serve_forever, name="metrics-port", daemon=True).start()
    return int(server.server_port)


def _application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    headers = {"Content-Type": "text/plain"} | security_headers()
    if environ["PATH_INFO"] != "/metrics" or environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
        status, content = "404 Not Found", b"The metrics are at /metrics.\n"
    elif not may_read(environ.get("HTTP_AUTHORIZATION", "")):
        status, content = "401 Unauthorized", b"Send Authorization: Bearer <METRICS_TOKEN>.\n"
        headers["WWW-Authenticate"] = "Bearer"
    else:
        content, content_type = render(environ.get("HTTP_ACCEPT", ""))
        status, headers = "200 OK", headers | {"Content-Type": content_type, "Cache-Control": "no-store"}
    start_response(status, list(headers.items()))
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else content]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.info("A reader of the metrics is gone", exc_info=True)

    def server_bind(self) -> None:
        # WSGIServer would look up the host's name, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    timeout = CLIENT_SECONDS

    def end_headers(self) -> None:
        """Add the security headers to a refusal of the request itself, which never reaches the application."""
        for name, value in security_headers().items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log."""

    def address_string(self) -> str:
        return str(self.client_address[0])
