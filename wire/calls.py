"""A call is a request of REST or a frame of a socket, as metrics, logs and traces see it while it is handled."""

from __future__ import annotations

import re
import time
from contextvars import ContextVar
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings

from wire import access_log
from wire.metrics import Gauge, Histogram, LabelledCounter
from wire.operations import Operation
from wire.tracing import Trace, end_span, start_span, trace_of_span

REQUESTS = LabelledCounter(
    "parley_requests_total", "Requests of REST and frames of sockets that were answered", "face", "operation", "status"
)
REQUEST_SECONDS = Histogram(
    "parley_request_seconds",
    "Time from a request or frame to its answer, by the kind of its work; the wait of a sync for events is left out",
    "face",
    "cost",
    buckets=(0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),  # few, because there is one for each kind of work
)
OPEN_REQUESTS = Gauge("parley_requests_open", "Requests of REST that are being handled or wait for a thread")

EVENTS = {"rest": "request", "socket": "frame"}  # in the access log, by face; the third kind is `connection`
PROBES = {"/livez": "livez", "/readyz": "readyz", "/metrics": "metrics"}  # too frequent for the access log


class Call:
    """A request or a frame, or a connection, which has what its frames have in common."""

    # Defaults of the class: most calls set few of them, and each costs time.
    status = 200
    request_id: str | int | None = None
    method: str | None = None
    route: str | None = None  # the pattern of the path: a path itself may contain a secret
    operation: Operation | None = None
    connection_id: str | None = None
    session_id: UUID | None = None
    user_id: UUID | None = None
    client: str | None = None
    waited = 0.0  # seconds in which nothing was to be done: a long poll waits for an event

    def __init__(self, face: str, trace: Trace | None = None, connection: Call | None = None) -> None:
        """`connection` is that of a frame, whose trace it continues."""
        self.face = face
        self.trace: Trace | None = connection.trace.child() if connection and connection.trace else trace
        self.started_at = time.monotonic()
        if connection is not None:
            self.connection_id, self.client = connection.connection_id, connection.client
            self.session_id, self.user_id = connection.session_id, connection.user_id
        self.span = start_span(face, self.trace)
        if self.span is not None:
            self.trace = trace_of_span(self.span)

    @property
    def name(self) -> str:
        """The name of the operation, of a probe, or `other`: a label has few values."""
        return self.operation.name if self.operation else PROBES.get(self.route or "", "other")

    def ids(self) -> dict[str, Any]:
        """Return the ids that each log record of this call has."""
        ids = {
            "request_id": self.request_id,
            "connection_id": self.connection_id,
            "session_id": self.session_id and str(self.session_id),
            "user_id": self.user_id and str(self.user_id),
            "trace_id": self.trace and self.trace.trace_id,
            "span_id": self.trace and self.trace.span_id,
        }
        return {name: value for name, value in ids.items() if value is not None}

    def end(self) -> None:
        """Count what was answered, write its line of the access log, and end its span."""
        seconds, is_answer = time.monotonic() - self.started_at, self.face in EVENTS
        name = self.name if is_answer else self.face
        if is_answer:
            REQUESTS.add(self.face, name, str(self.status))
            REQUEST_SECONDS.observe(
                seconds - self.waited, self.face, self.operation.cost.value if self.operation else "other"
            )
        if settings.ACCESS_LOG and (self.status >= 500 or self.route not in PROBES):
            self._log(seconds)
        if self.span is not None:
            attributes = {f"parley.{key}": value for key, value in self.ids().items()}
            failed = is_answer and self.status >= 500
            end_span(self.span, name, failed, attributes | {"parley.status": self.status})

    def _log(self, seconds: float) -> None:
        operation, trace = self.operation, self.trace
        access_log.write(
            {
                "event": EVENTS.get(self.face, self.face),
                "method": self.method,
                "route": self.route,
                "operation": operation and operation.name,
                "status": self.status,
                "duration_ms": round(seconds * 1000, 2),
                "client": self.client,
                "request_id": self.request_id,
                "connection_id": self.connection_id,
                "session_id": self.session_id,
                "user_id": self.user_id,
                "trace_id": trace and trace.trace_id,
                "span_id": trace and trace.span_id,
            }
        )


current: ContextVar[Call | None] = ContextVar("current_call", default=None)


def identify(session_id: UUID, user_id: UUID) -> None:
    """Record whose the current call is."""
    if (call := current.get()) is not None:
        call.session_id, call.user_id = session_id, user_id


@lru_cache(1000)
def route_of(pattern: str) -> str:
    """Return a pattern of Django as a path: `v1/rooms/<id:room_id>` as `/v1/rooms/{room_id}`."""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", pattern)
