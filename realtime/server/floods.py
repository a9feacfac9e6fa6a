"""Refuses a flood of handshakes by their bytes: to parse each with Twisted would cost several times as much."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from time import monotonic

import uuid_utils

from wire import descriptors
from wire.asgi import render_problem
from wire.client_address import address_behind
from wire.limits import HELD_SECONDS, too_many_handshakes
from wire.problems import REFUSALS
from wire.request_ids import checked_request_id

KEPT_SECONDS = 0.05  # for which an answer is sent again with its time to wait; HANDSHAKE allows one more in that time
MAX_KEPT = 1_000
FLOOD_SECONDS = 10.0  # after a refusal, in which connections are looked at before they get a protocol
PEEK_BYTES = 8 * 1024
_UPGRADE = b"\r\nupgrade: websocket\r\n"  # as clients write it; others are refused once they are parsed
_MARK = "0" * 36

_kept: dict[str, tuple[float, str, bytes, int]] = {}  # by address: until when, the code, and the answer as a format
_flood_until = 0.0
_held = 0


def refused_handshake(data: bytes, peer: str) -> bytes | None:
    """Return the answer to a handshake that the limits of its address refuse, or None for all other bytes.

    The handshake must have arrived as a whole, with nothing behind it. `peer` is the address of the connection.
    """
    if not (data.startswith(b"GET ") and data.endswith(b"\r\n\r\n") and _UPGRADE in (lowered := data.lower())):
        return None
    address = address_behind(peer, tuple(_values(data, lowered, b"\r\nx-forwarded-for:")))
    if address is None:
        return None
    now = monotonic()
    kept = _kept.get(address)
    if kept is None or now >= kept[0]:
        kept = _render(address, now)
        if kept is None:
            return None
    _, code, answer, length = kept
    REFUSALS.add(code)
    given = _values(data, lowered, b"\r\nx-request-id:")
    request_id = (checked_request_id(given[0].decode("latin-1")) if given else str(uuid_utils.uuid7())).encode()
    return answer % (length + len(request_id), request_id, request_id)


def is_flooded() -> bool:
    """Return whether a handshake was refused by its bytes a short while ago."""
    return monotonic() < _flood_until


def hold(answer: Callable[[], None]) -> None:
    """Call `answer` after HELD_SECONDS: a client that asks again at once then asks four times a second.

    While HELD_CONNECTIONS of them wait it is called at once, because each holds a descriptor.
    """
    global _held
    if _held >= descriptors.HELD_CONNECTIONS:
        answer()
        return

    def release() -> None:
        global _held
        _held -= 1
        answer()

    _held += 1
    asyncio.get_running_loop().call_later(HELD_SECONDS, release)


def refuse_by_first_bytes(connection: socket.socket, peer: str) -> bool:
    """Answer and close a new connection if its first bytes are such a handshake; return whether they were.

    Bytes that come later are read as those of all others.
    """
    try:
        data = connection.recv(PEEK_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        answer = refused_handshake(data, peer)
        if answer is None:
            return False
        connection.recv(len(data), socket.MSG_DONTWAIT)  # unread input would turn the close into a reset
    except OSError:  # nothing has arrived, or the client is gone
        return False
    hold(partial(_answer_and_close, connection, answer))
    return True


def _answer_and_close(connection: socket.socket, answer: bytes) -> None:
    with connection, suppress(OSError):  # a client that is gone needs no answer
        connection.send(answer, socket.MSG_DONTWAIT)


def _values(data: bytes, lowered: bytes, name: bytes) -> list[bytes]:
    """Return the values of a header; nearly all requests have none or one."""
    values, start = [], lowered.find(name)
    while start >= 0:
        start += len(name)
        values.append(data[start : data.index(b"\r\n", start)].strip())
        start = lowered.find(name, start)
    return values


def _render(address: str, now: float) -> tuple[float, str, bytes, int] | None:
    """Return the answer with places for its length and twice its id, and keep it for a moment."""
    global _flood_until
    problem = too_many_handshakes(address)
    if problem is None:
        return None
    headers, body = render_problem(problem, _MARK, None)
    shown = {name: value.replace(b"%", b"%%") for name, value in headers}
    shown |= {b"content-length": b"%d", b"x-request-id": b"%b", b"connection": b"close"}
    lines = [b"HTTP/1.1 %d %s" % (problem.status, HTTPStatus(problem.status).phrase.encode())]
    lines += [name + b": " + value for name, value in shown.items()]
    answer = b"\r\n".join([*lines, b"", body.replace(b"%", b"%%").replace(_MARK.encode(), b"%b")])
    if len(_kept) >= MAX_KEPT:
        _kept.clear()
    _kept[address] = found = (now + KEPT_SECONDS, problem.code, answer, len(body) - len(_MARK))
    _flood_until = now + FLOOD_SECONDS
    return found
