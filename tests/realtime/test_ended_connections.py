"""Connections that the database has ended, as its restart does, and that a thread for sockets has kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from realtime.database import _on_thread
from tests.api.messages.test_group_commit import backend, end_backend


@pytest.mark.skipif(connections["default"].vendor == "sqlite", reason="SQLite has no connection to lose")
@pytest.mark.django_db(transaction=True)
def test_a_thread_for_sockets_replaces_a_connection_that_the_database_has_ended() -> None:
    """The first action after a restart of the database would fail otherwise."""
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(_on_thread, backend).result(5)
        end_backend(ended)
        new = pool.submit(_on_thread, backend).result(5)
        pool.submit(connections.close_all).result(5)  # the test database could not be dropped otherwise

    assert new != ended
