"""The metrics of all workers in the formats of Prometheus, and a port of their own for them."""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from wire.metrics import METRICS, Gauge, Histogram, Metric
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


class Workers(Collector):
    """Collects the metrics of this process and the last snapshots of its siblings."""

    def collect(self) -> Iterator[Family]:
        snapshots = list(workers.snapshots())
        is_one = workers.count == 1  # a label less makes a scrape a quarter cheaper
        for name, metric in METRICS.items():
            family = FAMILIES[metric.kind](name, metric.summary, labels=[*metric.labels, *([] if is_one else [WORKER])])
            for worker, samples, age in snapshots:
                for labels, value in [((), age)] if metric is _AGE else samples.get(name, ()):
                    _add(family, metric, [*labels] if is_one else [*labels, str(worker)], value)
            yield family


def _add(family: Any, metric: Metric, labels: list[str], value: Any) -> None:
    if not isinstance(metric, Histogram):
        family.add_metric(labels, value)
        return
    buckets, so_far = [], 0
    for bound, count in zip([*map(str, metric.buckets), "+Inf"], value, strict=False):
        so_far += count
        buckets.append((bound, so_far))
    family.add_metric(labels, buckets=buckets, sum_value=value[-1])


_registry = CollectorRegistry(auto_describe=False)
_registry.register(Workers())


def render(accept: str) -> tuple[bytes, str]:
    """Return all metrics and their content type, in the format that an Accept header prefers."""
    encoder, content_type = choose_encoder(accept)
    return encoder(_registry), content_type


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
    if environ["PATH_INFO"] != "/metrics" or environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"The metrics are at /metrics.\n"]
    if not may_read(environ.get("HTTP_AUTHORIZATION", "")):
        start_response("401 Unauthorized", [("Content-Type", "text/plain"), ("WWW-Authenticate", "Bearer")])
        return [b"Send Authorization: Bearer <METRICS_TOKEN>.\n"]
    content, content_type = render(environ.get("HTTP_ACCEPT", ""))
    start_response("200 OK", [("Content-Type", content_type), ("Cache-Control", "no-store")])
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

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log."""

    def address_string(self) -> str:
        return str(self.client_address[0])
