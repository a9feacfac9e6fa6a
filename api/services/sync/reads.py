"""Shared reads of the log: devices that sync at the same time and miss the same events share a query."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from api.serializers.sync import EVENTS
from api.services.sync.plan import StreamDelta
from eventlog.ranges import Events, LogRange, merge, read_ranges

MAX_READS = 4  # of one batch, for devices that miss different events; the rest must retry alone


class LogRead:
    """One query of the log, which reads no more events than one page may contain; the first device always fits."""

    def __init__(self) -> None:
        self._wanted: dict[UUID, frozenset[LogRange]] = {}
        self._merged: dict[UUID, list[LogRange]] = {}
        self._size = 0

    def add(self, wanted: Mapping[UUID, frozenset[LogRange]]) -> bool:
        """Add the ranges of a device, by stream. Return False if they do not fit."""
        grown = {
            stream: known | ranges
            for stream, ranges in wanted.items()
            if not ranges <= (known := self._wanted.get(stream, frozenset()))
        }
        merged = {stream: merge([*ranges]) for stream, ranges in grown.items()}
        size = self._size + sum(_count(each) - _count(self._merged.get(stream, ())) for stream, each in merged.items())
        if self._wanted and size > EVENTS:
            return False
        self._wanted |= grown
        self._merged |= merged
        self._size = size
        return True

    def run(self, max_bytes: int) -> Events:
        """Read the events, about `max_bytes` of them."""
        return read_ranges([each for ranges in self._merged.values() for each in ranges], max_bytes)


def ranges_of(deltas: Sequence[StreamDelta]) -> dict[UUID, frozenset[LogRange]]:
    """Return the missing ranges of a device by stream, with the places of their events in its page as turns."""
    wanted = {}
    turn = 0
    for delta in deltas:
        ranges = []
        for first, last in delta.missing:
            ranges.append(LogRange(delta.stream, first, last, turn))
            turn += last - first + 1
        if ranges:
            wanted[delta.stream] = frozenset(ranges)
    return wanted


def _count(ranges: Sequence[LogRange]) -> int:
    return sum(each.last - each.first + 1 for each in ranges)
