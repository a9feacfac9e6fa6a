"""Rate limits that all processes share through Redis; each process counts alone while Redis does not answer.

Redis holds a counter for each bucket and window, and the estimate is that of a sliding window: the count of this window
and the part of the last one that is less than a window old. It takes plain commands only, no script.
"""

from __future__ import annotations

import hashlib
import logging
import math
import secrets
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings

from wire.rate_limits import LimitProblem, RateLimit
from wire.rates import Rate

if TYPE_CHECKING:
    import redis

T = TypeVar("T")
logger = logging.getLogger(__name__)

THREADS = 4  # calls at once
PAUSE_SECONDS = 5.0  # without Redis after it did not answer


class Counters:
    """Counters in Redis, used from any thread. A call returns None when Redis is away or not configured."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="limits-redis")
        self._client: redis.Redis | None = None
        self._lock = Lock()
        self._stuck: Future[Any] | None = None  # the call that did not return in time
        self._paused_until = 0.0
        self._salt = b""

    def add(self, rate: Rate, key: Hashable, cost: int) -> tuple[int, int, float] | None:
        """Add to the counter of this window. Return it, that of the last window, and the age of this window."""
        number, age = divmod(time.time(), rate.window_seconds)
        this, last = self._names(rate, key, int(number))

        def run(client: redis.Redis) -> tuple[int, int, float]:
            pipeline = client.pipeline(transaction=False)
            if cost:
                pipeline.incrby(this, cost)
                pipeline.expire(this, 2 * rate.window_seconds)
            pipeline.get(this)
            pipeline.get(last)
            *_, now, before = pipeline.execute()
            return int(now or 0), int(before or 0), age

        return self._call(run)

    def remove(self, rate: Rate, key: Hashable) -> None:
        """Remove the counters of a key."""
        names = self._names(rate, key, int(time.time() // rate.window_seconds))
        self._call(lambda client: client.delete(*names))

    def forget_all(self) -> None:
        """Use other names from now on, as if every counter were removed; for tests."""
        self._salt = secrets.token_bytes(8)

    def _names(self, rate: Rate, key: Hashable, number: int) -> tuple[str, str]:
        """The names hold no address and no username: Redis is not trusted with them."""
        secret = hashlib.sha256(settings.SECRET_KEY.encode() + self._salt).digest()
        digest = hashlib.blake2b(str(key).encode(), key=secret, digest_size=16).hexdigest()
        stem = f"{settings.REDIS_PREFIX}:limit:{rate.name}:{digest}"
        return f"{stem}:{number}", f"{stem}:{number - 1}"

    def _call(self, run: Callable[[redis.Redis], T]) -> T | None:
        with self._lock:
            is_paused = time.monotonic() < self._paused_until or (self._stuck is not None and not self._stuck.done())
        if is_paused or not settings.REDIS_URL:
            return None
        from redis import RedisError  # its import takes half a second, which a process without Redis saves

        answer = self._threads.submit(lambda: run(self._connected()))
        try:
            found = answer.result(settings.LIMITS_REDIS_SECONDS)
        except (FutureTimeout, RedisError, OSError) as error:
            with self._lock:
                self._stuck, self._paused_until = answer, time.monotonic() + PAUSE_SECONDS
            logger.warning("Redis does not count for the rate limits (%r): each process counts alone", error)
            return None
        return found

    def _connected(self) -> redis.Redis:
        if self._client is None:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            self._client = redis.Redis.from_url(
                settings.REDIS_URL,
                socket_timeout=settings.LIMITS_REDIS_SECONDS,
                socket_connect_timeout=settings.LIMITS_REDIS_SECONDS,
                retry=Retry(NoBackoff(), 0),
                protocol=2,
            )
        return self._client


counters = Counters()


class SharedRateLimit(RateLimit):
    """A rate limit of all processes together. The bucket of this process is asked first."""

    def take(self, key: Hashable, cost: float = 1) -> None:
        """Take tokens as RateLimit does; also refuse what the other processes have used up. Waits for Redis."""
        super().take(key, cost)
        if not self.is_on:
            return
        units = math.ceil(cost)
        if (found := counters.add(self.rate, key, units)) is None:
            return
        now, before, age = found
        if problem := self._judge(now, before, age, 0):
            counters.add(self.rate, key, -units)
            raise problem

    def check(self, key: Hashable, cost: float = 1) -> None:
        """Raise the Problem that `take` would raise, and take nothing. Waits for Redis."""
        super().check(key, cost)
        if self.is_on and (found := counters.add(self.rate, key, 0)) is not None:
            now, before, age = found
            if problem := self._judge(now, before, age, cost):
                raise problem

    def forget(self, key: Hashable) -> None:
        """Refill the bucket of a key, for all processes as far as Redis answers."""
        super().forget(key)
        if self.is_on:
            counters.remove(self.rate, key)

    def reset(self) -> None:
        """Refill every bucket; for tests."""
        super().reset()
        counters.forget_all()

    def _judge(self, now: int, before: int, age: float, cost: float) -> LimitProblem | None:
        """Return the refusal if the counts and the cost exceed the limit."""
        window, limit = float(self.rate.window_seconds), self.rate.limit
        used = now + before * (1 - age / window)
        if used + cost <= limit + 1e-9:
            return None
        free = limit - max(cost, 1)  # the count at which one more call is allowed
        # Either enough of the last window's count becomes a window old in time, or this window's count must, too.
        wait = window * (1 - (free - now) / before) if now <= free else window * (2 - free / now)
        wait -= age
        return LimitProblem(self.rate, remaining=limit - used, retry_after_ms=max(1, math.ceil(wait * 1000)))
