"""Traces (W3C Trace Context, level 1): taken from `traceparent`, named in logs and answers, sent by OpenTelemetry.

Spans are made when OTEL_EXPORTER_OTLP_ENDPOINT is set and the extra `otel` is installed; else a request without
`traceparent` costs one comparison.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

logger = logging.getLogger(__name__)

HEADER = b"traceparent"
# A version above 00 may have more fields behind these; ff is not a version.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
MAX_CHARS = 200

_provider: TracerProvider | None = None


class Trace(NamedTuple):
    """A trace, the caller's span in it, and our own span. All but the flags are hexadecimal digits."""

    trace_id: str
    parent_id: str
    span_id: str
    flags: str

    def header(self) -> str:
        """Return the `traceparent` of our own span, for answers and for calls to other servers."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    def child(self) -> Trace:
        """Return a new span in our own."""
        return Trace(self.trace_id, self.span_id, secrets.token_hex(8), self.flags)


def read_traceparent(given: str) -> Trace | None:
    """Return the trace of a `traceparent` header with a new span, or None when the header is malformed."""
    found = _TRACEPARENT.fullmatch(given.strip()) if len(given) <= MAX_CHARS else None
    if found is None or (found[1] == "00" and found[5] is not None):
        return None
    return Trace(found[2], found[3], secrets.token_hex(8), f"{int(found[4], 16) & 1:02x}")


def trace_of(scope: Any) -> Trace | None:
    """Return the trace of a request or handshake; of two headers neither counts."""
    given = [value for name, value in scope["headers"] if name == HEADER]
    return read_traceparent(given[0].decode("latin-1")) if len(given) == 1 else None


def start_exporting() -> None:
    """Send spans to OTEL_EXPORTER_OTLP_ENDPOINT, if that is set. OpenTelemetry reads its other variables itself."""
    global _provider
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        logger.warning("OTEL_EXPORTER_OTLP_ENDPOINT is set, but the extra `otel` is not installed: no spans are sent.")
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    names = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "parley"}
    _provider = TracerProvider(resource=Resource.create(names))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))


def start_span(name: str, trace: Trace | None) -> Any:
    """Return a span of a call in the caller's trace, or in a new one; None while nothing is exported."""
    if _provider is None:
        return None
    from opentelemetry import trace as otel

    context = None
    if trace is not None:
        flags = otel.TraceFlags(int(trace.flags, 16))
        remote = otel.SpanContext(int(trace.trace_id, 16), int(trace.parent_id, 16), is_remote=True, trace_flags=flags)
        context = otel.set_span_in_context(otel.NonRecordingSpan(remote))
    return _provider.get_tracer("parley").start_span(name, context, kind=otel.SpanKind.SERVER)


def trace_of_span(span: Any) -> Trace:
    """Return the trace in which OpenTelemetry has put a span."""
    context = span.get_span_context()
    trace_id, span_id = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    return Trace(trace_id, "", span_id, f"{int(context.trace_flags) & 1:02x}")


def end_span(span: Any, name: str, failed: bool, attributes: dict[str, Any]) -> None:
    """Finish a span, under its final name."""
    from opentelemetry.trace import StatusCode

    span.update_name(name)
    span.set_attributes(attributes)
    if failed:
        span.set_status(StatusCode.ERROR)
    span.end()
