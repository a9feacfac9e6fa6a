"""Passwords: hashed one at a time, in fair turns, by a thread of low priority; and a pause for those who guess."""

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

from wire.connections import release_connections
from wire.problems import Problem
from wire.rate_limits import Rate, RateLimit

# A hash takes 100 MiB and a core by design. One at a time leaves the other cores to everything else.
WAITING = 32  # each holds one of the threads that all requests share; the others must remain for the rest
TURN_SECONDS = 30.0  # about a hundred hashes; a request that would wait longer is refused, and may come again
KNOWN = 10_000  # accounts and the addresses that they logged in from, kept in memory; the oldest are forgotten first
NICENESS = 10

# Wrong passwords alone count. They are counted for an account at one address, so that nobody locks an owner out from
# elsewhere: ten at once, then one more each half minute. An address has many people behind it, and so a greater limit.
_of_account = RateLimit(Rate("login", 10, 300.0, "account"), always=True)
_of_address = RateLimit(Rate("login", 100, 600.0, "address"), always=True)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A use of a password: for what, for which account (its folded username), and from where.

    `kind` is "session" when a session proves already who the client is. `address` is None when it is not known.
    `exists` says whether there is such an account. Invented names wait and are limited apart from accounts, because
    whoever shares an address with their sender must still be able to log in. This reveals no more than register does.
    """

    kind: Literal["login", "register", "session"]
    account: str
    address: str | None = None
    exists: bool = False

    @property
    def is_known(self) -> bool:
        """Return whether the account has logged in from this address lately, or has a session."""
        return self.kind == "session" or (self.account, self.address) in _known

    @property
    def lane(self) -> str:
        """With which other attempts it takes turns."""
        if self.is_known:
            return "known"
        return "account" if self.exists else self.kind

    def check(self) -> None:
        """Raises Problem limit.login after too many wrong passwords."""
        for limit, key in self._limits():
            limit.check(key)

    def failed(self) -> None:
        """Note a wrong password."""
        for limit, key in self._limits():
            with contextlib.suppress(Problem):  # others failed at the same moment; the next attempt is refused
                limit.take(key)

    def _limits(self) -> list[tuple[RateLimit, str]]:
        match self.kind:
            case "register":
                return []
            case "session":  # only who holds a session can guess here: no address is needed to keep the owner from harm
                return [(_of_account, f"session:{self.account}")]
        if self.address is None:
            return [(_of_address, f"account:{self.account}")]
        mine = [(_of_account, f"{self.account}@{self.address}")]
        return mine if self.is_known else [*mine, (_of_address, f"{self.lane}@{self.address}")]

    def succeeded(self) -> None:
        """Note the right password: the account is known at this address from now on."""
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
    """A queue that takes turns: among the first parts of the paths, then among the second ones, and so on.

    A crowd in one lane waits for itself alone. Not safe for several threads at once.
    """

    def __init__(self) -> None:
        self._lanes: OrderedDict[str, FairQueue | deque[Any]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, path: tuple[str, ...], item: object) -> None:
        """Put the item behind the others of its path."""
        first, *rest = path
        lane = self._lanes.get(first)
        if lane is None:
            lane = self._lanes[first] = FairQueue() if rest else deque()
        if isinstance(lane, FairQueue):
            lane.push(tuple(rest), item)
        else:
            lane.append(item)
        self._length += 1

    def pop(self) -> Any:
        """Take the item whose turn it is."""
        name = next(iter(self._lanes))
        lane = self._lanes[name]
        item = lane.pop() if isinstance(lane, FairQueue) else lane.popleft()
        self._took_from(name)
        if name in self._lanes:
            self._lanes.move_to_end(name)
        return item

    def drop(self) -> Any:
        """Take the newest item of the longest lane, at each level."""
        name = max(reversed(self._lanes), key=lambda name: len(self._lanes[name]))
        lane = self._lanes[name]
        item = lane.drop() if isinstance(lane, FairQueue) else lane.pop()
        self._took_from(name)
        return item

    def _took_from(self, name: str) -> None:
        self._length -= 1
        if not self._lanes[name]:
            del self._lanes[name]


@dataclass(eq=False, slots=True)
class _Waiter:
    decided: threading.Event = field(default_factory=threading.Event)
    has_turn: bool = False
    is_gone: bool = False


class Turns:
    """One turn at a time, given fairly: to known accounts, other accounts, invented names and registrations in
    rotation, in each of these to the addresses in rotation, and at each address to the accounts. So a flood of
    invented names delays an account by two hashes at most, also where both come from one address and after a restart.

    Not a kind of key in wire.shares: the account is known only when the body is read, and a hash needs a queue that is
    fair at three levels and refuses the newest of the longest lane.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue = FairQueue()
        self._is_taken = False

    @contextlib.contextmanager
    def turn(self, attempt: Attempt) -> Iterator[None]:
        """Wait for a turn. Raises Problem unavailable when too many wait or it takes too long."""
        self._wait(attempt)
        try:
            yield
        finally:
            self._pass_on()

    def _wait(self, attempt: Attempt) -> None:
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            waiter = _Waiter()
            self._queue.push((attempt.lane, attempt.address or "", attempt.account), waiter)
            if len(self._queue) > WAITING:
                self._queue.drop().decided.set()
        release_connections()
        waiter.decided.wait(TURN_SECONDS)
        with self._lock:
            waiter.is_gone = not waiter.has_turn
        if waiter.is_gone:
            raise Problem("unavailable", "Too many passwords are being checked.")

    def _pass_on(self) -> None:
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
    """On Linux a thread has a priority of its own, and those that Argon2 starts get the same."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


_thread = ThreadPoolExecutor(1, thread_name_prefix="hash", initializer=_lower_priority)


def _in_thread(work: Callable[..., Any], *args: Any) -> Any:
    return _thread.submit(work, *args).result()


class Verdict(NamedTuple):
    """The result of a check: is the password right, and is its hash of an older kind or another spelling."""

    is_right: bool
    is_outdated: bool


def encode(password: str) -> str:
    """The hash of a password in NFC, as RFC 8265 has it: a keyboard may compose an accent or not. Call it in a turn."""
    encoded: str = _in_thread(hashers.make_password, normalize("NFC", password))
    return encoded


def verify(password: str, encoded: str | None) -> Verdict:
    """Compare a password in each of its spellings with the hash; older hashes are of the password as typed.

    Without a hash the same work is done, so that time does not tell which accounts exist. Call it in a turn.
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
    """Forget every wrong password and every known account; for tests."""
    _of_account.reset()
    _of_address.reset()
    _known.clear()
