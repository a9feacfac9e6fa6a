"""Websocket messages on a raw connection, read and written one by one."""

from __future__ import annotations

from asyncio import StreamReader
from collections.abc import AsyncIterator
from dataclasses import dataclass

from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader as Buffer

CHUNK = 64 * 1024
CONTROL = (Opcode.CLOSE, Opcode.PING, Opcode.PONG)


@dataclass(frozen=True)
class Message:
    """A text, a binary or a control frame, all its fragments together."""

    opcode: Opcode
    data: bytes


async def messages(reader: StreamReader, *, masked: bool) -> AsyncIterator[Message]:
    """Yield the messages of one direction until it ends; those of a client are `masked`."""
    buffer = Buffer()
    opcode, parts = Opcode.TEXT, list[bytes]()
    while True:
        parser = Frame.parse(buffer.read_exact, mask=masked)
        while True:
            try:
                next(parser)
            except StopIteration as parsed:
                frame: Frame = parsed.value
                break
            if not (chunk := await reader.read(CHUNK)):
                return
            buffer.feed_data(chunk)
        if frame.opcode in CONTROL:
            yield Message(frame.opcode, bytes(frame.data))
            continue
        opcode = opcode if frame.opcode is Opcode.CONT else frame.opcode
        parts.append(bytes(frame.data))
        if frame.fin:
            yield Message(opcode, b"".join(parts))
            parts = []


def encode(message: Message, *, masked: bool, fragments: int = 1) -> bytes:
    """The bytes of a message, in as many fragments."""
    size = max(1, -(-len(message.data) // fragments))
    pieces = [message.data[at : at + size] for at in range(0, len(message.data), size)] or [b""]
    opcodes = [message.opcode, *[Opcode.CONT] * (len(pieces) - 1)]
    frames = zip(opcodes, pieces, strict=True)
    return b"".join(
        Frame(opcode, piece, fin=number == len(pieces)).serialize(mask=masked)
        for number, (opcode, piece) in enumerate(frames, start=1)
    )


def close(code: int, reason: str) -> Message:
    """A close frame. Any code is possible, also those that no server may send."""
    return Message(Opcode.CLOSE, code.to_bytes(2, "big") + reason.encode())
