"""Real threads for tests: each with a database connection of its own, closed at its end."""

from collections.abc import Callable
from typing import TypeVar

from django.db import connections

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")


def closing_connections(work: Callable[[Argument], Answer]) -> Callable[[Argument], Answer]:
    """Wrap a function so that it closes its thread's connections; the test database could not be dropped otherwise."""

    def work_and_close(argument: Argument) -> Answer:
        try:
            return work(argument)
        finally:
            connections.close_all()

    return work_and_close
