"""Rate limits: token buckets in the memory of one process, which raise Problem `limit.<name>` when empty.

The libraries that know the algorithm (limits, throttled-py) take 30 to 75 us for a call in memory, and this takes one.
Their Redis storages run Lua scripts, which the rights of Parley's user in Redis exclude (see `wire.shared_limits`).
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

from django.conf import settings

from wire.problems import Problem, define
from wire.rates import Rate

MAX_KEYS = 100_000  # of one limit, about 15 MB; the least recently used key is evicted
TITLE = "Too many requests of this kind: try again later."


class LimitProblem(Problem):
    """A refusal by a rate limit. Its headers are those of draft-ietf-httpapi-ratelimit-headers-10."""

    def __init__(self, rate: Rate, *, remaining: float, retry_after_ms: int, code: str = "") -> None:
        super().__init__(code or f"limit.{rate.name}", retry_after_ms=retry_after_ms)
        self.rate = rate
        self.remaining = remaining

    def headers(self) -> dict[str, str]:
        headers, rate = super().headers(), self.rate
        headers["RateLimit-Policy"] = f'"{rate.name}";q={rate.limit};w={rate.window_seconds}'
        headers["RateLimit"] = f'"{rate.name}";r={max(0, int(self.remaining))};t={headers["Retry-After"]}'
        return headers


class RateLimit:
    """A rate limit by the generic cell rate algorithm, which keeps one time per key: when its bucket is full again.

    Declares the problem code `limit.<name>` (429, retryable), or `code`. Safe to use from several threads.
    """

    def __init__(
        self,
        rate: Rate,
        *,
        max_keys: int = MAX_KEYS,
        clock: Callable[[], float] = time.monotonic,
        always: bool = False,
        code: str = "",
    ) -> None:
        """`always` applies the limit even while the setting RATE_LIMITS is off."""
        self.rate = rate
        self._always = always
        self._code = define(code or f"limit.{rate.name}", 429, TITLE, True)
        self._window = float(rate.window_seconds)
        self._seconds_per_token = rate.window_seconds / rate.limit
        self._max_keys = max_keys
        self._clock = clock
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()
        self._lock = Lock()

    @property
    def is_on(self) -> bool:
        """Return whether the limit applies."""
        return self._always or settings.RATE_LIMITS

    def take(self, key: Hashable, cost: float = 1) -> None:
        """Take `cost` tokens of this key, all or none. Raises Problem `limit.<name>` with the time to wait.

        A cost above the whole limit needs a full bucket and leaves it empty for longer. Does nothing while the setting
        RATE_LIMITS is off.
        """
        if not (self._always or settings.RATE_LIMITS):
            return
        now = self._clock()
        with self._lock:
            full_at = max(now, self._full_at.get(key, now))
            allowed_debt = self._window - min(cost, self.rate.limit) * self._seconds_per_token
            wait = full_at - now - allowed_debt
            if wait <= 1e-9:
                self._put(key, full_at + cost * self._seconds_per_token)
                return
        raise self._refusal(full_at - now, wait)

    def check(self, key: Hashable, cost: float = 1) -> None:
        """Raise the Problem that `take` would raise, and take nothing."""
        if problem := self.refusal(key, cost):
            raise problem

    def refusal(self, key: Hashable, cost: float = 1) -> LimitProblem | None:
        """Return the Problem that `take` would raise, or None."""
        now = self._clock()
        allowed_debt = self._window - min(cost, self.rate.limit) * self._seconds_per_token
        with self._lock:
            debt = self._full_at.get(key, now) - now
        if debt - allowed_debt > 1e-9 and self.is_on:
            return self._refusal(debt, debt - allowed_debt)
        return None

    def charge(self, key: Hashable, cost: float) -> None:
        """Take tokens for work that is done already, up to a debt of one window."""
        if not self.is_on:
            return
        now = self._clock()
        with self._lock:
            full_at = max(now, self._full_at.get(key, now)) + cost * self._seconds_per_token
            self._put(key, min(full_at, now + 2 * self._window))

    def forget(self, key: Hashable) -> None:
        """Refill the bucket of a key."""
        with self._lock:
            self._full_at.pop(key, None)

    def reset(self) -> None:
        """Refill every bucket; for tests."""
        with self._lock:
            self._full_at.clear()

    def _put(self, key: Hashable, full_at: float) -> None:
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._max_keys:
            self._full_at.popitem(last=False)

    def _refusal(self, debt: float, wait: float) -> LimitProblem:
        remaining = (self._window - debt) / self._seconds_per_token
        return LimitProblem(self.rate, remaining=remaining, retry_after_ms=math.ceil(wait * 1000), code=self._code)
