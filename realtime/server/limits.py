"""Every limit of a connection in one place, with the reason for its size; `realtime.limits` holds those of a socket."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

from django.conf import settings

from realtime import limits
from realtime.limits import KIB
from wire import descriptors
from wire.outages import DATABASE_SECONDS


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes. The first four follow the settings, so that a test need not wait for a heartbeat."""

    ping_interval: float = limits.PING_INTERVAL_SECONDS
    ping_timeout: float = limits.PING_TIMEOUT_SECONDS
    stall: float = 20.0  # bytes have waited and none has moved for so long: the reader is gone
    http_idle: float = 75.0  # above the 60 s after which most load balancers close an idle connection themselves

    frame_bytes: int = limits.MAX_INBOUND_FRAME_BYTES
    fragments: int = 256  # empty fragments carry no bytes, so the size alone would not bound them
    # Frames that bring the application no message are read more slowly once the credit is used up.
    frame_credit: float = 512.0
    frame_credit_per_second: float = 100.0
    control_frame_cost: float = 8.0  # a ping or pong: 64 at once, then 12 a second
    fragment_cost: float = 1.0  # the largest number of fragments of one message is well below the credit
    receive_queue_frames: int = limits.RECEIVE_QUEUE_FRAMES
    receive_queue_bytes: int = limits.RECEIVE_QUEUE_BYTES
    pending_bytes: int = 64 * KIB  # an ordinary send waits above this
    backlog_bytes: int = 1024 * KIB  # above this the connection is aborted
    body_bytes: int = 256 * KIB
    connections: int = 1_000_000  # of clients at once; `serve` sets the number that its descriptors allow

    handshake: float = 5.0  # for the application to accept or refuse
    request: float = 30.0  # for a whole HTTP request to arrive, however steady it is
    brief: float = 2.0  # the same above the cap of connections, where there is room for a few probes
    close_timeout: float = 5.0  # for a client to answer a close frame
    short_close_timeout: float = 2.0  # the same, for a client that has already shown that it does not answer
    cancel: float = 10.0  # for an application to return after websocket.disconnect
    notice: float = 0.0  # after SIGTERM, still accepting: for a proxy to see that the server is no longer ready
    last_call: float = 0.5  # after SIGTERM, for requests that were on their way to an idle connection
    drain: float = DATABASE_SECONDS  # after SIGTERM, for closes to be answered and the slowest send to finish
    exit: float = 10.0  # after SIGTERM, and notice, the process ends, even if requests still run

    @classmethod
    def from_settings(cls) -> Self:
        """The defaults, with every ``WS_<NAME>_SECONDS`` that the Django settings have, and HTTP_IDLE_SECONDS."""
        names = {field.name: f"WS_{field.name.upper()}_SECONDS" for field in fields(cls)}
        names["http_idle"] = "HTTP_IDLE_SECONDS"
        names["notice"] = "DRAIN_SECONDS"
        given = {name: getattr(settings, key) for name, key in names.items() if hasattr(settings, key)}
        return cls(connections=descriptors.connections(), **given)

    @property
    def tick(self) -> float:
        """The interval at which all connections are checked: a second, or less for shorter limits."""
        patience = self.ping_interval, self.ping_timeout, self.stall, self.handshake, self.request, self.close_timeout
        return min(1.0, min(patience) / 4)
