"""Receivers of signals for the length of a test."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.dispatch import Signal

from eventlog.models import Event
from eventlog.signals import events_committed


@contextmanager
def connected(signal: Signal, receiver: Callable[..., Any]) -> Iterator[None]:
    """Connect a receiver ahead of all others."""
    signal.connect(receiver, weak=False)
    signal.receivers.insert(0, signal.receivers.pop())
    try:
        yield
    finally:
        signal.disconnect(receiver)


@contextmanager
def collect_commits() -> Iterator[list[Sequence[Event]]]:
    """Collect the events of each commit."""
    commits: list[Sequence[Event]] = []

    def receive(events: Sequence[Event], **_: Any) -> None:
        commits.append(events)

    with connected(events_committed, receive):
        yield commits
