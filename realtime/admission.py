"""Admission of new sockets: the limits of an address, and the state of the event loop. No query is made here."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from realtime.limits import MAX_SOCKETS_OF_ADDRESS, SOCKETS_RETRY_MS
from realtime.metrics import LOOP_LAG
from wire.client_address import client_address
from wire.limits import FAILED_HANDSHAKE, HANDSHAKE
from wire.problems import Problem

Scope = MutableMapping[str, Any]

LATE_SECONDS = 0.2  # above this the event loop drops typing and delays presence
OVERLOADED_SECONDS = 0.5  # above this new sockets are refused
DECAY = 0.8  # of the lag with each tick on time: half of it is left after 0.3 s
RETURN_MS = 5_000  # the refused sockets return within this time, each at a random moment


class Overloaded(Exception):
    """The event loop is late: a new socket would delay those that are open. `retry_after_ms` is a random moment."""

    def __init__(self) -> None:
        super().__init__("overloaded")
        self.retry_after_ms = 1_000 + random.randrange(RETURN_MS)


class SocketsProblem(Problem):
    """A refusal because `bound` sockets are open. It has no window: there is room again when one of them closes."""

    def __init__(self, bound: int) -> None:
        super().__init__("limit.sockets", retry_after_ms=SOCKETS_RETRY_MS)
        self.bound = bound

    def headers(self) -> dict[str, str]:
        """Add the fields of draft-ietf-httpapi-ratelimit-headers-10, in which `w` and `t` may be left out."""
        return {**super().headers(), "RateLimit-Policy": f'"sockets";q={self.bound}', "RateLimit": '"sockets";r=0'}


@dataclass
class RecentLag:
    """The recent delay of the event loop in seconds: how late a timer was called."""

    seconds: float = 0.0
    _due: float = field(default=0.0, init=False)

    def watch(self) -> None:
        """Measure from now on, for as long as the running loop runs."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + LOOP_LAG.PROBE_SECONDS
        loop.call_at(self._due, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        self.seconds = max(now - self._due, self.seconds * DECAY)
        LOOP_LAG.probed(now - self._due)
        self._due = now + LOOP_LAG.PROBE_SECONDS
        loop.call_at(self._due, self._tick, loop)

    @property
    def is_late(self) -> bool:
        """Return whether typing is dropped and presence waits, so that sends and deliveries come first."""
        return self.seconds > LATE_SECONDS and bool(settings.RATE_LIMITS)

    @property
    def is_overloaded(self) -> bool:
        """Return whether new sockets are refused."""
        return self.seconds > OVERLOADED_SECONDS and bool(settings.RATE_LIMITS)


lag = RecentLag()
_sockets: Counter[str] = Counter()  # of this process, by address


def admit(scope: Scope) -> None:
    """Count a handshake of its address. Raises Problem limit.handshake, limit.sockets, or Overloaded."""
    address = client_address(scope)
    if address is not None:
        HANDSHAKE.take(address)
    check_sockets(address)
    if lag.is_overloaded:
        raise Overloaded


def check_sockets(address: str | None) -> None:
    """Raise Problem limit.sockets for an address with as many sockets in this process as it may have."""
    if address is not None and settings.RATE_LIMITS and _sockets[address] >= MAX_SOCKETS_OF_ADDRESS:
        raise SocketsProblem(MAX_SOCKETS_OF_ADDRESS)


def count_failure(scope: Scope) -> None:
    """Count a handshake that did not authenticate as FAILED_HANDSHAKE handshakes."""
    if (address := client_address(scope)) is not None:
        HANDSHAKE.charge(address, FAILED_HANDSHAKE - 1)


@contextmanager
def open_socket(scope: Scope) -> Iterator[None]:
    """Count a socket of its address while it is open."""
    address = client_address(scope)
    if address is None:
        yield
        return
    _sockets[address] += 1
    try:
        yield
    finally:
        _sockets[address] -= 1
        if not _sockets[address]:
            del _sockets[address]
