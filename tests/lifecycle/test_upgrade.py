"""Upgrades under load: old processes, a migration, and new processes that take over one after another.

Clients send and listen through the proxy of compose.yaml, keep their tokens and cursors, and repeat refused requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from settings.test import TEST_STACK
from tests.clients import PASSWORD
from tests.eventlog.release import code_of_0_1_0, load_database, read_rows
from tests.forked import run_manage
from tests.packaging.compose_file import environment
from tests.proxy.load import Load
from tests.proxy.proxy import Proxy
from tests.servers import ROOT, ParleyServer
from tests.services import redis, wait_until

LOG = "SELECT stream, seq, type, data FROM api_event ORDER BY stream, seq"


class Server(ParleyServer):
    """A server with the code of a folder."""

    def __init__(self, tree: Path, redis_url: str) -> None:
        drain = environment("web")["DRAIN_SECONDS"]
        super().__init__(redis_url=redis_url, env={"DRAIN_SECONDS": drain, "RATE_LIMITS": "0"})
        self.tree = tree

    def _options(self) -> dict[str, Any]:
        return {"cwd": self.tree, "env": self.environment}


def make_servers(old: Path) -> list[Server]:
    """Return three servers on one database of 0.1.0, the first with the old code. None has started."""
    redis_url = redis().url if TEST_STACK == "postgres" else ""
    servers = [Server(tree, redis_url) for tree in (old, ROOT, ROOT)]
    url = load_database(servers[0])
    for server in servers[1:]:
        server.environment["DATABASE_URL"] = url
    return servers


def log_in(server: ParleyServer, username: str) -> dict[str, str]:
    """Return the headers of a new session of somebody who registered with 0.1.0."""
    body = {"username": username, "password": PASSWORD}
    token = httpx.post(f"{server.url}/v1/auth/login", json=body, timeout=30).raise_for_status().json()["token"]
    return {"Authorization": f"Bearer {token}"}


def prepare(server: ParleyServer) -> None:
    """Migrate with the present code."""
    run_manage("prepare", env=server.environment).check_returncode()


def wait_for_proxy(proxy: Proxy, servers: Sequence[ParleyServer]) -> None:
    """Wait until a request goes through the proxy to one of the servers, which are the only ready ones."""
    assert all(server.ready() for server in servers)
    ready = f"{proxy.url}/readyz"
    wait_until(lambda: httpx.get(ready, timeout=30).status_code == 200, seconds=60, what="the proxy finds no server")


def take_over(proxy: Proxy, load: Load, old: Server, new: list[Server]) -> None:
    """Start the new servers one after another, and end the old one as soon as the first of them is in use."""
    new[0].start()
    wait_for_proxy(proxy, new[:1])
    load.wait_for(20)
    old.stop()
    load.wait_for(20)
    new[1].start()
    wait_for_proxy(proxy, new)
    load.wait_for(20)


def test_an_upgrade_from_0_1_0_with_live_clients_loses_nothing(tmp_path: Path) -> None:
    """The database is that of 0.1.0, and so is the old process where git has its code (not in a shallow clone)."""
    old, *new = make_servers(code_of_0_1_0(tmp_path) or ROOT)
    url = old.environment["DATABASE_URL"]
    before = read_rows(url, LOG)

    with Proxy([server.port for server in (old, *new)]) as proxy:
        old.start()
        alice = log_in(old, "alice")
        with Load(proxy.url) as load:
            load.wait_for(20)
            prepare(new[0])
            take_over(proxy, load, old, new)
        rooms = httpx.get(f"{proxy.url}/v1/rooms", headers=alice, timeout=30).raise_for_status().json()["results"]
    for server in new:
        server.stop()

    assert (load.lost, load.doubles) == (0, 0)
    assert {room["name"] for room in rooms} >= {"Garden", "Tea"}
    streams = {stream for stream, *_ in before}
    assert [row for row in read_rows(url, LOG) if row[0] in streams] == before
