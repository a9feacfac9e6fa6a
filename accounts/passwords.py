"""Passwords: hashes one at a time in fair turns, on a thread of low priority, and limits wrong attempts."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from unicodedata import normalize

from django.contrib.auth import hashers

from wire import rates
from wire.connections import release_connections
from wire.problems import Problem
from wire.rate_limits import RateLimit
from wire.shared_limits import SharedRateLimit

# A hash takes 100 MiB and a core by design. One at a time leaves the other cores to all else.
WAITING = 32  # waiting attempts; each holds one of the threads that all requests share, and most must remain free
TURN_SECONDS = 30.0  # the longest wait, about a hundred hashes; then the request fails and may be retried
KNOWN = 10_000  # pairs of account and address with a login, kept in memory; the least recent is evicted
NICENESS = 10

# Only wrong passwords count. They count for an account at one address, so that nobody can lock the owner out from
# another address: ten at once, then one each half minute. Many people may share an address, so its limit is larger.
_of_account = SharedRateLimit(rates.LOGIN, always=True)
_of_address = SharedRateLimit(rates.LOGIN_ADDRESS, always=True)
# These count every attempt, because each hash costs the same.
_hashes = SharedRateLimit(rates.HASH)
_registrations = SharedRateLimit(rates.REGISTER)
_own = SharedRateLimit(rates.PASSWORD)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A use of a password: its purpose, the account (its folded username), and the client's address.

    `kind` is "session" when the client has a session of the account. `address` is None when it is not known. `exists`
    means that there is such an account. Attempts on accounts wait in another queue, and have other limits, than
    attempts on invented names, because people who share an address with the sender of those must still be able to log
    in. This reveals no more than register does.
    """

    kind: Literal["login", "register", "session"]
    account: str
    address: str | None = None
    exists: bool = False

    @property
    def is_known(self) -> bool:
        """Return whether the client has a session, or the account has logged in from this address recently."""
        return self.kind == "session" or (self.account, self.address) in _known

    @property
    def category(self) -> str:
        """The first part of its path in the queue: categories take turns."""
        if self.is_known:
            return "known"
        return "account" if self.exists else self.kind

    def begin(self) -> None:
        """Count an attempt.

        Raises Problem limit.login or limit.login_address after too many wrong passwords, and limit.password,
        limit.register or limit.hash after too many attempts of any kind. An account that is known at an address has
        hashes of its own there, so a stranger who shares the address does not use them up.
        """
        for limit, key in self._limits():
            limit.check(key)
        if self.kind == "session":
            _own.take(self.account)
        elif self.address is not None:
            if self.kind == "register":
                _registrations.take(self.address)
            _hashes.take(f"{self.account}@{self.address}" if self.is_known else self.address)

    def failed(self) -> None:
        """Count a wrong password."""
        for limit, key in self._limits():
            with contextlib.suppress(Problem):  # others failed at the same moment; the next attempt is rejected
                limit.take(key)

    def _limits(self) -> list[tuple[RateLimit, str]]:
        match self.kind:
            case "register":
                return []
            case "session":  # strangers cannot guess here, so the address does not matter
                return [(_of_account, f"session:{self.account}")]
        if self.address is None:
            return [(_of_address, f"account:{self.account}")]
        own: list[tuple[RateLimit, str]] = [(_of_account, f"{self.account}@{self.address}")]
        return own if self.is_known else [*own, (_of_address, f"{self.category}@{self.address}")]

    def succeeded(self) -> None:
        """Reset the count of the account, and remember that it has logged in from this address."""
        for limit, key in self._limits():
            if limit is _of_account:
                limit.forget(key)
        if self.kind == "session":
            return
        with _lock:
            _known[(self.account, self.address)] = None
            _known.move_to_end((self.account, self.address))
            if len(_known) > KNOWN:
                _known.popitem(last=False)


_known: OrderedDict[tuple[str, str | None], None] = OrderedDict()
_lock = threading.Lock()


class FairQueue:
    """A round-robin queue of round-robin queues: the first parts of paths take turns, then the second parts, and so on.

    Many items on one path delay only one another. Not safe for several threads at once.
    """

    def __init__(self) -> None:
        self._queues: OrderedDict[str, FairQueue | deque[Any]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, path: tuple[str, ...], item: object) -> None:
        """Append the item to the queue of its path."""
        first, *rest = path
        queue = self._queues.get(first)
        if queue is None:
            queue = self._queues[first] = FairQueue() if rest else deque()
        if isinstance(queue, FairQueue):
            queue.push(tuple(rest), item)
        else:
            queue.append(item)
        self._length += 1

    def pop(self) -> Any:
        """Remove and return the next item."""
        name = next(iter(self._queues))
        queue = self._queues[name]
        item = queue.pop() if isinstance(queue, FairQueue) else queue.popleft()
        self._count_removal(name)
        if name in self._queues:
            self._queues.move_to_end(name)
        return item

    def drop(self) -> Any:
        """Remove and return the newest item of the longest queue, at each level."""
        name = max(reversed(self._queues), key=lambda name: len(self._queues[name]))
        queue = self._queues[name]
        item = queue.drop() if isinstance(queue, FairQueue) else queue.pop()
        self._count_removal(name)
        return item

    def _count_removal(self, name: str) -> None:
        self._length -= 1
        if not self._queues[name]:
            del self._queues[name]


@dataclass(eq=False, slots=True)
class _Waiter:
    decided: threading.Event = field(default_factory=threading.Event)
    has_turn: bool = False
    is_gone: bool = False


class Turns:
    """A fair lock for the hashing thread: one attempt has the turn, the others wait in a FairQueue.

    Known accounts, other accounts, invented names and registrations take turns; in each of these the addresses, and at
    each address the accounts. So a flood of invented names delays an account by two hashes at most, even from the same
    address and after a restart.

    wire.shares cannot do this: the account is known only after the body is read, and the queue must be fair at three
    levels and drop the newest item of the longest queue.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue = FairQueue()
        self._is_taken = False

    @contextlib.contextmanager
    def turn(self, attempt: Attempt) -> Iterator[None]:
        """Wait for the turn and hold it. Raises Problem unavailable after TURN_SECONDS or if too many wait."""
        self._wait(attempt)
        try:
            yield
        finally:
            self._release()

    def _wait(self, attempt: Attempt) -> None:
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            waiter = _Waiter()
            self._queue.push((attempt.category, attempt.address or "", attempt.account), waiter)
            if len(self._queue) > WAITING:
                self._queue.drop().decided.set()
        release_connections()
        waiter.decided.wait(TURN_SECONDS)
        with self._lock:
            waiter.is_gone = not waiter.has_turn
        if waiter.is_gone:
            raise Problem("unavailable", "Too many passwords are being checked. Try again.")

    def _release(self) -> None:
        with self._lock:
            while self._queue:
                waiter: _Waiter = self._queue.pop()
                if not waiter.is_gone:
                    waiter.has_turn = True
                    waiter.decided.set()
                    return
            self._is_taken = False


turns = Turns()


def _lower_priority() -> None:
    """Lower the priority of this thread and of those that Argon2 starts, which Linux allows."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


_thread = ThreadPoolExecutor(1, thread_name_prefix="hash", initializer=_lower_priority)


def _in_thread(work: Callable[..., Any], *args: Any) -> Any:
    return _thread.submit(work, *args).result()


class Verdict(NamedTuple):
    """The result of a check: the password is right, and its hash must be replaced (older parameters or spelling)."""

    is_right: bool
    is_outdated: bool


def encode(password: str) -> str:
    """Hash a password in NFC (RFC 8265), because keyboards compose accents differently. The caller holds the turn."""
    encoded: str = _in_thread(hashers.make_password, normalize("NFC", password))
    return encoded


def verify(password: str, encoded: str | None) -> Verdict:
    """Compare a password in each of its spellings with the hash; older hashes are of the password as typed.

    Without a hash the same work is done, so that the time does not reveal which accounts exist. The caller holds the
    turn.
    """
    spellings = dict.fromkeys([normalize("NFC", password), password, normalize("NFD", password)])
    for number, spelling in enumerate(spellings):
        if encoded is None:
            _in_thread(hashers.make_password, spelling)
            continue
        is_right, is_outdated = _in_thread(hashers.verify_password, spelling, encoded)
        if is_right:
            return Verdict(True, is_outdated or number > 0)
    return Verdict(False, False)


def forget_all() -> None:
    """Reset all counts and known accounts; for tests."""
    for limit in (_of_account, _of_address, _hashes, _registrations, _own):
        limit.reset()
    _known.clear()
