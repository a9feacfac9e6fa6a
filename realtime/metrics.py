"""The metrics of sockets and of the delivery of events; docs/metrics.md explains each."""

import time
from collections import deque

from wire.metrics import Counter, Gauge, Histogram, LabelledCounter

SOCKETS = Gauge("parley_sockets", "Open websockets")
SOCKETS_OPENED = Counter("parley_sockets_opened_total", "Websockets that were accepted")
SOCKETS_CLOSED = LabelledCounter("parley_sockets_closed_total", "Websockets that the server closed", "code")
STREAMS = Gauge("parley_streams", "Open event streams of clients without a socket")
STREAMS_CLOSED = LabelledCounter("parley_streams_closed_total", "Event streams that the server ended", "code")
LONG_POLLS = Gauge("parley_long_polls", "Syncs that wait for an event")
SUBSCRIPTIONS = Gauge("parley_subscriptions", "Subscriptions of sockets to streams")
FEEDS = Gauge("parley_feeds", "Streams with a feed in this process")
FRAMES_RECEIVED = Counter("parley_frames_received_total", "Frames from clients")
FRAMES_SENT = Counter("parley_frames_sent_total", "Frames to clients: replies, events and pushes")
QUEUE_OVERFLOWS = Counter(
    "parley_queue_overflows_total", "Subscriptions that must replay because the send queue of their socket was full"
)

EVENTS = LabelledCounter("parley_events_total", "Events that this process recorded", "kind")
DELIVERIES = Counter("parley_deliveries_total", "Events handed to sockets; one event for ten sockets counts ten")
DELIVERY_SECONDS = Histogram(
    "parley_delivery_seconds", "Time from the recording of an event to its delivery, one observation for each batch"
)
REPLAYS = LabelledCounter("parley_replays_total", "Subscriptions that started, by the plan of their replay", "plan")
REPLAY_EVENTS = Histogram(
    "parley_replay_events",
    "Events that a subscription replays at its start",
    buckets=(0, 1, 10, 50, 100, 200, 500, 1000),
)

REPAIRS = Counter("parley_repairs_total", "Readings of the log because a feed missed events")
REPAIRED_EVENTS = Counter("parley_repaired_events_total", "Events that came from such a reading, not from a hint")
SWEEPS = Counter("parley_sweeps_total", "Comparisons of all feeds with the log")
SWEEP_CPU = Counter("parley_sweep_cpu_seconds_total", "CPU time of the sweeps")
SWEEP_FAILURES = Counter("parley_sweep_failures_total", "Sweeps that could not read the log")

HINTS_SENT = Counter("parley_hints_sent_total", "Messages that were published to Redis")
HINTS_RECEIVED = Counter("parley_hints_received_total", "Messages that were received from Redis")
HINTS_DROPPED = LabelledCounter(
    "parley_hints_dropped_total", "Messages of Redis that were dropped: forged, or beyond the queue to Redis", "reason"
)
BROKER_FAILURES = Counter("parley_broker_failures_total", "Failures of publishing to Redis or receiving from it")

JOBS_DUE = Gauge("parley_jobs_due", "Background jobs that are due in the database; every process reports all of them")
JOBS_LAG = Gauge("parley_jobs_lag_seconds", "Time for which the oldest of them has been due")


class LoopLag:
    """The delay of the event loop: how much later than it was due a timer runs."""

    PROBE_SECONDS = 0.1
    WINDOW_SECONDS = 15.0  # a scrape sees the longest delay since then, so none between two scrapes is missed

    def __init__(self) -> None:
        self._due: float | None = None
        self._longest: deque[tuple[float, float]] = deque(maxlen=2)  # the windows: the beginning and the longest delay

    def probed(self, late: float) -> None:
        """Record the delay of one probe, and expect the next."""
        now = time.monotonic()
        self._due = now + self.PROBE_SECONDS
        if not self._longest or now - self._longest[-1][0] > self.WINDOW_SECONDS:
            self._longest.append((now, late))
        elif late > self._longest[-1][1]:
            self._longest[-1] = (self._longest[-1][0], late)

    def longest(self) -> float:
        """Return the longest delay of the last 15 to 30 seconds, in seconds; also of a loop that is stuck now."""
        if self._due is None:
            return 0.0
        return max(0.0, time.monotonic() - self._due, *[late for _, late in self._longest])


LOOP_LAG = LoopLag()
Gauge("parley_loop_lag_seconds", "Longest delay of the event loop in the last 15 to 30 seconds", LOOP_LAG.longest)
