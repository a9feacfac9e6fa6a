"""The sockets that one user and one network address may have open in a process."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings

from accounts.models import Session
from realtime import admission, sessions
from realtime.sessions import Sessions
from wire import limits
from wire.problems import Problem


@pytest.fixture(autouse=True)
def limits_are_on(settings: Settings) -> None:
    settings.RATE_LIMITS = True
    limits.reset()


def test_many_sessions_give_a_user_no_more_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_SOCKETS_OF_USER", 3)
    alice, bob, open_sockets = uuid4(), uuid4(), Sessions()
    sockets: list[tuple[Any, Session]] = [(object(), Session(id=uuid4(), user_id=alice)) for _ in range(3)]

    for socket, session in sockets:
        assert open_sockets.reached_bound(session) is None
        open_sockets.add(socket, session)

    assert open_sockets.reached_bound(Session(id=uuid4(), user_id=alice)) == 3
    assert open_sockets.reached_bound(Session(id=uuid4(), user_id=bob)) is None
    open_sockets.discard(*sockets[0])
    assert open_sockets.reached_bound(Session(id=uuid4(), user_id=alice)) is None


def test_an_address_has_a_limited_number_of_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_SOCKETS_OF_ADDRESS", 2)
    here, there = ({"client": [f"203.0.113.{number}", 5123], "headers": []} for number in (1, 2))

    with ExitStack() as open_sockets:
        for _ in range(2):
            admission.admit(here)
            open_sockets.enter_context(admission.open_socket(here))

        with pytest.raises(Problem) as refused:
            admission.admit(here)
        admission.admit(there)

    assert (refused.value.code, refused.value.status) == ("limit.sockets", 429)
    assert refused.value.retry_after_ms
    assert refused.value.headers()["RateLimit-Policy"] == '"sockets";q=2'
    admission.admit(here)
