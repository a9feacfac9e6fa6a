"""Connections that the database has ended, as its restart does: the next call of each thread is answered as before."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from tests.realtime.deployment import HAS_REDIS, Deployment
from tests.sockets import Account

AT_ONCE = 8  # so that several threads have a connection

pytestmark = pytest.mark.skipif(not HAS_REDIS, reason="a connection to SQLite does not end by itself")


def end_all(deployment: Deployment) -> int:
    """End the server's connections, and return their number once they are gone."""
    ended = """
        SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 30000)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    """
    with psycopg.connect(deployment.servers[0].environment["DATABASE_URL"]) as connection:
        (count,) = connection.execute(ended).fetchone() or (0,)
        return int(count)


async def test_no_call_fails_after_the_database_has_ended_all_connections(
    alice: Account, deployment: Deployment
) -> None:
    rooms = [await alice.make_room() for _ in range(AT_ONCE)]
    socket = await alice.connect()

    async def statuses(word: str) -> set[int]:
        sends = [socket.call("send_message", room_id=room["id"], client_id=word, text=word) for room in rooms]
        reads = [socket.call("get_messages", room_id=room["id"]) for room in rooms]
        replies = await asyncio.gather(*sends, *reads)
        requests = await asyncio.gather(*[alice.get(f"/v1/rooms/{room['id']}") for room in rooms])
        return {reply.status for reply in replies} | {response.status_code for response in requests}

    assert await statuses("before") <= {200, 201}
    assert end_all(deployment) > 2

    assert await statuses("after") <= {200, 201}
