"""The limits of operations: one hook of both faces, called for each view and action before its fields are read."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from django.conf import settings

from wire import rates
from wire.operations import Cost, Operation
from wire.problems import Problem, define
from wire.rate_limits import RateLimit

WORK, SEND, SEND_ROOM = RateLimit(rates.WORK), RateLimit(rates.SEND), RateLimit(rates.SEND_ROOM)
HANDSHAKE = RateLimit(rates.HANDSHAKE)
REFUSED_HANDSHAKE = RateLimit(rates.REFUSED_HANDSHAKE, code="limit.handshake")  # it decides how HANDSHAKE refuses
ANONYMOUS, REFUSED = RateLimit(rates.ANONYMOUS), RateLimit(rates.REFUSED)
_of_session = {
    Cost.READ: RateLimit(rates.READ),
    Cost.SEARCH: RateLimit(rates.SEARCH),
    Cost.SYNC: RateLimit(rates.SYNC),
    Cost.WRITE: RateLimit(rates.WRITE),
    Cost.TYPING: RateLimit(rates.TYPING),
    Cost.ADMIN: RateLimit(rates.ADMIN),
}

define("limit.sockets", 429, "Too many sockets are open.", True)

BASE_MS = 1.5  # of every call: its frame or its request, and its share of the event loop, which is not measured
DATABASE_FACTOR = 2.0  # the database uses about as much CPU as the thread that waits for it
SEARCH_FACTOR = 3.0  # and twice as much for a search
CALLER = "parley.caller"  # the key of a scope of HTTP for the account and the cost of the call
HELD_SECONDS = 0.25  # before a handshake is refused in HTTP; its answer tells the client to wait a second at least
FAILED_HANDSHAKE = 20  # of these tokens: an invented token costs a query, and a socket without one five seconds


def take(operation: Operation, session_id: Hashable, user_id: Hashable, number: int = 1) -> None:
    """Count a call of an operation, or `number` messages. Raises Problem limit.<name>.

    A log-in, a registration and a change of the password are counted where their account is known.
    """
    if not settings.RATE_LIMITS:
        return
    cost = operation.cost
    if cost is Cost.SEND:
        SEND.take(user_id, number)
    elif cost is not Cost.LOGIN:
        if cost is not Cost.ADMIN:
            WORK.take(user_id, BASE_MS)
        _of_session[cost].take(session_id)


def codes_of(operation: Operation) -> tuple[str, ...]:
    """Return the codes with which the limits of this module refuse an operation, on both faces."""
    match operation.cost:
        case Cost.SEND:
            return f"limit.{rates.SEND.name}", f"limit.{rates.SEND_ROOM.name}"
        case Cost.LOGIN:
            return ()
        case Cost.ADMIN:
            return (f"limit.{rates.ADMIN.name}",)
        case cost:
            return f"limit.{_of_session[cost].rate.name}", f"limit.{rates.WORK.name}"


def charge_work(user_id: Hashable, cpu_seconds: float, cost: Cost = Cost.READ) -> None:
    """Charge an account for the CPU that one of its calls has used on a thread, and for the database's part.

    Sends and the calls of backends are not charged: their number is limited, and each costs about the same.
    """
    if settings.RATE_LIMITS and cost not in (Cost.SEND, Cost.ADMIN):
        WORK.charge(user_id, cpu_seconds * 1000 * (SEARCH_FACTOR if cost is Cost.SEARCH else DATABASE_FACTOR))


def too_many_handshakes(address: str | None) -> Problem | None:
    """Return the refusal for an address that has used up its handshakes and its refusals with a close code, or None."""
    if address is None or not settings.RATE_LIMITS:
        return None
    return HANDSHAKE.refusal(address) if REFUSED_HANDSHAKE.refusal(address) else None


def is_limit(problem: Problem) -> bool:
    """Return whether a rate limit has refused the call."""
    return problem.code.startswith("limit.")


def count_of(body: Any) -> int:
    """Return the number of messages in the unread body of a send: those of a batch, or one."""
    items = body.get("items") if isinstance(body, dict) else None
    return max(1, min(len(items), 50)) if isinstance(items, list) else 1


def reset() -> None:
    """Refill every bucket; for tests."""
    for limit in (WORK, SEND, SEND_ROOM, HANDSHAKE, REFUSED_HANDSHAKE, ANONYMOUS, REFUSED, *_of_session.values()):
        limit.reset()
