"""Snapshots of the workers' metrics in shared memory: each worker writes its own, and every process reads all."""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from wire import metrics

SLOT_BYTES = 256 * 1024  # of a worker; a snapshot is some ten KB
WRITE_SECONDS = 1.0
READ_TRIES = 20
READ_PAUSE_SECONDS = 0.001
_HEADER = struct.Struct("=IId")  # the length and the CRC of the snapshot, and the time of its writing

Snapshot = dict[str, list[Any]]


def create(workers: int) -> int:
    """Return the descriptor of new shared memory for so many workers; it is passed on to their processes."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("parley-metrics")
    else:  # other systems than Linux
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, workers * SLOT_BYTES)
    return descriptor


class Snapshots:
    """The slots of all workers. The CRC detects a snapshot that was being written while it was read."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, 0)
        self.workers = len(self._memory) // SLOT_BYTES

    def write(self, worker: int) -> None:
        """Write the snapshot of this process into the slot of its worker."""
        content = orjson.dumps(metrics.snapshot())
        if len(content) > SLOT_BYTES - _HEADER.size:
            raise ValueError(f"A snapshot of {len(content)} bytes does not fit into a slot.")
        start = worker * SLOT_BYTES
        header = _HEADER.pack(len(content), zlib.crc32(content), time.time())
        self._memory[start : start + _HEADER.size + len(content)] = header + content

    def read(self, worker: int) -> tuple[Snapshot, float] | None:
        """Return the last snapshot of a worker and the time of its writing, or None before the first."""
        start = worker * SLOT_BYTES
        for _ in range(READ_TRIES):
            length, checksum, written_at = _HEADER.unpack_from(self._memory, start)
            if not length:
                return None
            begin = start + _HEADER.size
            content = self._memory[begin : begin + min(length, SLOT_BYTES - _HEADER.size)]
            if zlib.crc32(content) == checksum:
                return orjson.loads(content), written_at
            time.sleep(READ_PAUSE_SECONDS)
        return None

    def write_forever(self, worker: int) -> None:
        """Write the snapshot once a second, on a thread: a stalled event loop must be visible."""

        def run() -> None:
            while True:
                self.write(worker)
                time.sleep(WRITE_SECONDS)

        threading.Thread(target=run, name="metrics", daemon=True).start()


class Workers:
    """The processes whose metrics this process shows: by itself it is worker 0, and alone."""

    def __init__(self) -> None:
        self.own: int | None = 0
        self._snapshots: Snapshots | None = None

    def share(self, descriptor: int, own: int | None) -> None:
        """Use this shared memory. `own` is the number of this process; None: it only shows those of its workers."""
        self.own, self._snapshots = own, Snapshots(descriptor)
        if own is not None:
            self._snapshots.write_forever(own)

    @property
    def count(self) -> int:
        """The number of workers."""
        return self._snapshots.workers if self._snapshots else 1

    def snapshots(self) -> Iterator[tuple[int, Snapshot, float]]:
        """Yield for each worker its number, its last snapshot and the age of that in seconds."""
        for worker in range(self.count):
            if worker == self.own:
                yield worker, metrics.snapshot(), 0.0
            elif self._snapshots and (found := self._snapshots.read(worker)):
                yield worker, found[0], max(0.0, time.time() - found[1])


workers = Workers()
