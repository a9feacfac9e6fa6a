"""The server's application with two tokens that break it: a fault that a client can ask for."""

from django.db import OperationalError

from accounts import authentication
from accounts.models import Session
from realtime import middleware
from tests.realtime.inspected import application

__all__ = ["application"]


def find_session(token: str) -> Session:
    """As ever, but for the two."""
    if token == "the-database-is-away":
        raise OperationalError(token)
    if token == "a-bug":
        raise RuntimeError(token)
    return authentication.find_session(token)


vars(middleware)["find_session"] = find_session
