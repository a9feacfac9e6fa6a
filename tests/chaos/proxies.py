"""A TCP proxy in plain asyncio that misbehaves on demand: it cuts, resets, delays, throttles and stalls."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass, field
from typing import Self

CHUNK = 64 * 1024


@dataclass
class Counters:
    """Counts of a proxy: the evidence that a fault had an effect."""

    cut: int = 0
    held_bytes: int = 0
    slowed_bytes: int = 0
    stalled_connections: int = 0
    refused: int = 0  # connections that the target did not accept


@dataclass
class Proxy:
    """Listens on a free loopback port and passes everything on to `target`, unless it has a fault."""

    name: str
    target: int
    port: int = 0
    delay: float = 0.0  # seconds, for each chunk
    rate: int = 0  # bytes a second; 0: no limit
    counters: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> Self:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Cut everything and listen no more."""
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stall(self) -> None:
        """Half-open: every connection stays, and nothing passes in either direction; new ones are accepted."""
        self.counters.stalled_connections += len(self._writers) // 2
        self._flows.clear()

    def heal(self) -> None:
        """Pass everything on, the held bytes included."""
        self.delay, self.rate = 0.0, 0
        self._flows.set()

    def cut(self, *, reset: bool = False) -> int:
        """End every connection, with a RST or with a FIN; how many there were."""
        count = len(self._writers) // 2
        self.counters.cut += count
        for writer in tuple(self._writers):
            if writer.transport.is_closing():
                continue
            if reset:
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()
        return count

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await self._flows.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            self.counters.refused += 1
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.ensure_future(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while chunk := await reader.read(CHUNK):
                await self._misbehave(len(chunk))
                writer.write(chunk)
                await writer.drain()
        except OSError:
            writer.transport.abort()
        finally:
            writer.close()
            self._writers.discard(writer)

    async def _misbehave(self, size: int) -> None:
        if not self._flows.is_set():
            self.counters.held_bytes += size
            await self._flows.wait()
        pause = self.delay + (size / self.rate if self.rate else 0.0)
        if pause:
            self.counters.slowed_bytes += size
            await asyncio.sleep(pause)
