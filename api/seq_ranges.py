"""Ranges of seqs: the parts of a stream that a user may see."""

from collections.abc import Iterable, Iterator, Sequence

SeqRange = tuple[int, int]  # the first seq and the last, both included

FOR_EVER = 2**63 - 1  # the last seq of an open range; above every seq

EVERYTHING: Sequence[SeqRange] = ((1, FOR_EVER),)


def contains(ranges: Iterable[SeqRange], seq: int) -> bool:
    """Return whether one of the ranges contains the seq."""
    return any(first <= seq <= last for first, last in ranges)


def missing(ranges: Iterable[SeqRange], cursor: int, head: int) -> list[SeqRange]:
    """Return the parts of the ranges that are after a cursor and not after the head."""
    parts = [(max(first, cursor + 1), min(last, head)) for first, last in ranges]
    return [(first, last) for first, last in parts if first <= last]


def count(ranges: Iterable[SeqRange]) -> int:
    """Return the number of events in these ranges: a stream has no gaps, so this needs no query."""
    return sum(last - first + 1 for first, last in ranges)


def take_first(ranges: Iterable[SeqRange], limit: int) -> Iterator[SeqRange]:
    """Yield the ranges of the first `limit` seqs."""
    for first, last in ranges:
        if limit <= 0:
            return
        yield first, min(last, first + limit - 1)
        limit -= last - first + 1
