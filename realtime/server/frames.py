"""Bytes of RFC 6455 that the server writes itself: finished frames, and the reasons for which it closes."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import orjson

from realtime.close_codes import CloseCode
from realtime.server.types import Message

FRAME_KEY = "_frame"  # where a message keeps its finished frame for the next socket
CLOSE_REASON_BYTES = 123  # a control frame carries 125 bytes, two of them the code

TEXT = 1
BINARY = 2
PING = 9


def frame(opcode: int, payload: bytes) -> bytes:
    """One unfragmented server frame: FIN, never masked (RFC 6455 section 5.1), never compressed."""
    length = len(payload)
    if length < 126:
        return bytes((0x80 | opcode, length)) + payload
    if length < 65_536:
        return struct.pack("!BBH", 0x80 | opcode, 126, length) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, length) + payload


def frame_of(message: Message) -> bytes:
    """The frame of a ``websocket.send``, built once and kept in the message."""
    finished: bytes | None = message.get(FRAME_KEY)
    if finished is None:
        if (text := message.get("text")) is not None:
            finished = frame(TEXT, text.encode())
        elif (data := message.get("bytes")) is not None:
            finished = frame(BINARY, data)
        else:
            raise ValueError("websocket.send needs text or bytes")
        message[FRAME_KEY] = finished
    return finished


def whole_text(data: bytes, max_bytes: int) -> tuple[bytes, int] | None:
    """The payload of the masked text frame that `data` begins with, and its end; None for anything else.

    That includes a message in fragments, a frame that has not fully arrived, and one of more than `max_bytes` bytes.
    """
    if len(data) < 6 or data[0] != 0x80 | TEXT or data[1] < 0x80:
        return None
    length, start = data[1] & 0x7F, 6
    if length >= 126:
        length, start = int.from_bytes(data[2:4], "big"), 8
        if data[1] == 0xFF or length < 126:
            return None
    end = start + length
    if length > max_bytes or len(data) < end:
        return None
    # Unmasked (RFC 6455 section 5.3) all bytes at once, as two long numbers.
    keys = (data[start - 4 : start] * (length // 4 + 1))[:length]
    unmasked = int.from_bytes(data[start:end], "big") ^ int.from_bytes(keys, "big")
    return unmasked.to_bytes(length, "big"), end


def close_reason(reason: str) -> bytes:
    """The reason as it fits into a close frame, cut between characters."""
    return reason.encode()[:CLOSE_REASON_BYTES].decode(errors="ignore").encode()


@dataclass(frozen=True, slots=True)
class CloseReason:
    """A close by the server itself: the goodbye and the close frame carry its code and reason."""

    code: CloseCode
    reason: str

    @property
    def reconnect(self) -> bool:
        return self.code.reconnect


RESTART = CloseReason(CloseCode.RESTART, "restart")
FRAME_TOO_BIG = CloseReason(CloseCode.FRAME_TOO_BIG, "frame_too_big")
TOO_SLOW = CloseReason(CloseCode.TOO_SLOW, "too_slow")
HEARTBEAT = CloseReason(CloseCode.HEARTBEAT, "heartbeat")


def goodbye(code: int, reason: str, reconnect: bool, retry_after_ms: int | None) -> str:
    """The push of the chat's own protocol."""
    data = {"code": code, "reason": reason, "reconnect": reconnect, "retry_after_ms": retry_after_ms}
    return orjson.dumps({"action": "goodbye", "data": data}).decode()
