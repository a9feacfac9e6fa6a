"""The table of rate limits: the one place of their numbers. `hello` announces them and docs/rest.md lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket of `limit` tokens, refilled evenly in `window_seconds`, for each address, account, session or room.

    A `shared` rate is counted over all processes, through Redis. The others count in each process alone, because
    nothing on the way of a send, a read or a connect waits for Redis.
    """

    name: str
    limit: int
    window_seconds: int
    by: Literal["address", "account", "session", "room"]
    counts: str = ""  # the text of the documents
    shared: bool = False


# A password hash takes 0.25 s of CPU. An address gets 20 at once and then a tenth of a core.
HASH = Rate("hash", 20, 60, "address", "Log-ins and registrations, right or wrong", shared=True)
REGISTER = Rate("register", 20, 600, "address", "Registrations", shared=True)
LOGIN = Rate("login", 10, 300, "account", "Wrong passwords of an account from one address", shared=True)
LOGIN_ADDRESS = Rate("login_address", 100, 600, "address", "Wrong passwords of all accounts", shared=True)
PASSWORD = Rate("password", 10, 300, "account", "Changes of the password, deletions of the account", shared=True)
EMAIL = Rate("email", 5, 3_600, "account", "Mails to one mailbox", shared=True)
PASSWORD_RESET = Rate("password_reset", 20, 3_600, "address", "Requests of a password reset", shared=True)

# A handshake with a token takes 5 ms of CPU with the database's.
HANDSHAKE = Rate("handshake", 1200, 60, "address", "Handshakes; one that fails, or ends with 4429, counts as 20")
REFUSED_HANDSHAKE = Rate(
    "refused_handshake", 20, 60, "address", "Refused handshakes with a close code; more get HTTP 429"
)
ANONYMOUS = Rate("anonymous", 120, 60, "address", "REST requests without a valid token")

SEND = Rate("send", 300, 60, "account", "Messages sent")
SEND_ROOM = Rate("send_room", 1200, 60, "room", "Messages stored in a room, of all its members")
WRITE = Rate("write", 300, 60, "session", "Other writes")
READ = Rate("read", 1800, 60, "session", "Reads, subscribes and pings")
SEARCH = Rate("search", 60, 60, "session", "Searches of users and of the room directory")
SYNC = Rate("sync", 120, 60, "session", "Pages of sync, and event streams")
TYPING = Rate("typing", 60, 60, "session", "Typing notices")
ADMIN = Rate("admin", 3_000, 60, "session", "Calls of admin/* with a server key")
EXCHANGE = Rate("exchange", 60, 60, "account", "JWTs exchanged for sessions")
# A burst of half and a refill of half: at most a quarter of a core in any minute.
WORK = Rate("work", 7_500, 60, "account", "Milliseconds of CPU, measured, and of the database, estimated; no sends")
INVITE = Rate("invite", 100, 18_000, "account", "Additions and invitations of people, and new direct rooms")
REFUSED = Rate(
    "refused", 20, 10, "session", "Refusals by these limits; then a socket is closed, and REST answers slowly"
)

RATES = {
    rate.name: rate
    for rate in (
        *(
            HASH,
            REGISTER,
            LOGIN,
            LOGIN_ADDRESS,
            PASSWORD,
            EMAIL,
            PASSWORD_RESET,
            HANDSHAKE,
            REFUSED_HANDSHAKE,
            ANONYMOUS,
        ),
        *(SEND, SEND_ROOM, WRITE, READ, SEARCH, SYNC, TYPING, ADMIN, EXCHANGE, WORK, INVITE, REFUSED),
    )
}


# The table as `hello.limits.rates` has it.
ANNOUNCED = {
    rate.name: {"limit": rate.limit, "window_seconds": rate.window_seconds, "by": rate.by} for rate in RATES.values()
}
