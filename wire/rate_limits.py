"""Rate limits: token buckets in the memory of one process, which raise Problem `limit.<name>` when empty."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from django.conf import settings

from wire.problems import Problem, define

MAX_KEYS = 100_000  # of one limit, about 15 MB; the least recently used key is evicted


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket of `limit` tokens, refilled evenly in `window_seconds`, for each address, account, session or room."""

    name: str
    limit: int
    window_seconds: float
    by: Literal["address", "account", "session", "room"]


class RateLimit:
    """A rate limit by the generic cell rate algorithm, which keeps one time per key: when its bucket is full again.

    Declares the problem code `limit.<name>` (429, retryable). Safe to use from several threads.
    """

    def __init__(
        self,
        rate: Rate,
        *,
        max_keys: int = MAX_KEYS,
        clock: Callable[[], float] = time.monotonic,
        always: bool = False,
    ) -> None:
        """`always` applies the limit even while the setting RATE_LIMITS is off."""
        self.rate = rate
        self._always = always
        self._code = define(f"limit.{rate.name}", 429, "Too many requests of this kind: try again later.", True)
        self._seconds_per_token = rate.window_seconds / rate.limit
        self._max_keys = max_keys
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def take(self, key: str, cost: int = 1) -> None:
        """Take `cost` tokens of this key, all or none. Raises Problem `limit.<name>` with the time to wait.

        A cost above the whole limit needs a full bucket and leaves it empty for longer. Does nothing while the setting
        RATE_LIMITS is off.
        """
        if not (self._always or settings.RATE_LIMITS):
            return
        now = self._clock()
        with self._lock:
            full_at = max(now, self._full_at.get(key, now))
            allowed_debt = self.rate.window_seconds - min(cost, self.rate.limit) * self._seconds_per_token
            wait = full_at - now - allowed_debt
            if wait <= 1e-9:
                self._full_at[key] = full_at + cost * self._seconds_per_token
                self._full_at.move_to_end(key)
                if len(self._full_at) > self._max_keys:
                    self._full_at.popitem(last=False)
                return
        raise Problem(self._code, retry_after_ms=math.ceil(wait * 1000))

    def check(self, key: str, cost: int = 1) -> None:
        """Raise the Problem that `take` would raise, and take nothing."""
        now = self._clock()
        allowed_debt = self.rate.window_seconds - min(cost, self.rate.limit) * self._seconds_per_token
        with self._lock:
            wait = self._full_at.get(key, now) - now - allowed_debt
        if wait > 1e-9 and (self._always or settings.RATE_LIMITS):
            raise Problem(self._code, retry_after_ms=math.ceil(wait * 1000))

    def forget(self, key: str) -> None:
        """Refill the bucket of a key."""
        with self._lock:
            self._full_at.pop(key, None)

    def reset(self) -> None:
        """Refill every bucket; for tests."""
        with self._lock:
            self._full_at.clear()
