"""A read-only PostgreSQL: sessions end in memory at once, and in the database when it is writable again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import psycopg
import pytest

from tests import services
from tests.servers import ParleyServer
from tests.services import PostgresServer, wait_until
from tests.sockets import PASSWORD, TLS, Account, join_parley


class Deployment:
    """Two servers, one PostgreSQL and one Redis."""

    def __init__(self) -> None:
        self.postgres: PostgresServer = services.start_postgres()
        self.redis = services.start_redis()
        self.database = self.postgres.create_database("chat")
        env = {"DJANGO_SETTINGS_MODULE": "tests.realtime.live_settings"}
        self.servers = [ParleyServer(self.database, self.redis.url, env=env) for _ in range(2)]

    def set_read_only(self, on: bool) -> None:
        """Make the database read-only, as a standby is, or writable again, and close all connections to it."""
        with psycopg.connect(self.postgres.database_url("postgres"), autocommit=True) as connection:
            connection.execute(
                f"ALTER DATABASE chat SET default_transaction_read_only = {'on' if on else 'off'}".encode()
            )
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'chat'")
        for server in self.servers:
            wait_until(lambda server=server: server.ready() is not on, seconds=30, what="no change")  # type: ignore[misc]

    def sessions(self) -> int:
        with psycopg.connect(self.database) as connection:
            row = connection.execute("SELECT count(*) FROM accounts_session").fetchone()
            assert row is not None
            return int(row[0])


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    deployment = Deployment()
    for server in deployment.servers:
        server.start()
    yield deployment
    for parley in deployment.servers:
        parley.stop()
    deployment.redis.stop()
    deployment.postgres.stop()


@pytest.fixture
async def alice(deployment: Deployment) -> AsyncIterator[Account]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(verify=TLS, trust_env=False, timeout=30))
        yield await join_parley(deployment.servers[0], http, stack, "alice")


async def test_sessions_end_in_memory_while_the_database_is_read_only(deployment: Deployment, alice: Account) -> None:
    there = deployment.servers[1]
    laptop, tablet, desk = [await alice.another_device() for _ in range(3)]
    room = await alice.make_room()
    near, far = await tablet.connect(), await tablet.connect(there)
    deployment.set_read_only(True)

    response = await tablet.post("/v1/auth/logout")

    assert (response.status_code, response.headers["Parley-Revocation"]) == (204, "in-memory")
    for socket in (near, far):
        assert (await socket.end()).code == 4410
    for server in deployment.servers:
        assert (await tablet.request("GET", "/v1/me", server=server)).status_code == 401
    ended = await laptop.delete(f"/v1/auth/sessions/{desk.session['id']}")
    assert (ended.status_code, ended.headers["Parley-Revocation"]) == (204, "in-memory")
    assert (await laptop.delete(f"/v1/auth/sessions/{desk.session['id']}")).status_code == 404
    listed = (await laptop.get("/v1/auth/sessions")).json()["results"]
    assert {session["id"] for session in listed} == {alice.session["id"], laptop.session["id"]}

    sent = await alice.post(f"/v1/rooms/{room['id']}/messages", {"client_id": "a", "text": "lost"})
    changed = await alice.post("/v1/auth/password", {"old": PASSWORD, "new": "another horse battery"})
    assert [(each.status_code, each.json()["code"]) for each in (sent, changed)] == [(503, "unavailable")] * 2
    assert deployment.sessions() == 4

    deployment.set_read_only(False)

    wait_until(lambda: deployment.sessions() == 2, seconds=30, what="the sessions were not deleted")
    assert (await tablet.get("/v1/me")).status_code == 401
    assert (await laptop.get("/v1/me")).status_code == 200
    assert "Traceback" not in deployment.servers[0].logs
