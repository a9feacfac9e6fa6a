"""The containers of 0.1.0, where the servers' role was the superuser: their database moves into the present ones."""

from __future__ import annotations

import os
import subprocess

import httpx

from tests.clients import PASSWORD
from tests.eventlog.release import DUMPS
from tests.packaging.cluster import Cluster
from tests.servers import ParleyServer


def test_a_dump_of_0_1_0_is_restored_with_the_present_roles(cluster: Cluster) -> None:
    cluster.sql("CREATE DATABASE old", database="postgres")
    cluster.sql((DUMPS / "postgres.sql").read_text(), database="old")
    environment = {"PATH": f"{cluster.server.binaries}:{os.environ['PATH']}"}
    dump = ["pg_dump", "--format=custom", cluster.url("postgres", "old")]
    dumped = subprocess.run(dump, env=environment, capture_output=True, check=True).stdout

    cluster.run("restore", "-", stdin=dumped).check_returncode()
    cluster.manage("prepare")

    body = {"username": "alice", "password": PASSWORD}
    with ParleyServer(cluster.url("parley")) as server:
        assert httpx.post(f"{server.url}/v1/auth/login", json=body, timeout=30).status_code == 200
    cluster.run("backup", "now").check_returncode()
