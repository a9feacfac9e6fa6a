"""The server's application with two tokens that break it, so that a client can cause a fault."""

from collections.abc import Sequence

from django.db import OperationalError

from accounts.models import Session
from realtime import sessions
from tests.realtime.inspected import application
from wire.problems import Problem

__all__ = ["application"]

_find_sessions = sessions.find_sessions


def find_sessions(tokens: Sequence[str]) -> list[Session | Problem]:
    """Finds sessions, and fails for the two tokens."""
    if "the-database-is-away" in tokens:
        raise OperationalError(tokens)
    if "a-bug" in tokens:
        raise RuntimeError(tokens)
    return _find_sessions(tokens)


vars(sessions)["find_sessions"] = find_sessions
