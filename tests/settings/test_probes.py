"""The probes of a load balancer, /livez and /readyz."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any

import httpx
import psycopg
from django.test import AsyncRequestFactory

from realtime.doctor import Level
from realtime.doctor.server import examine_server
from settings.health import CHECKS, readyz
from tests import services
from tests.clients import Person
from tests.servers import ParleyServer
from tests.services import wait_until
from tests.settings.scrapes import metrics_of, values
from tests.sockets import PASSWORD


def readiness(parley: ParleyServer) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"{parley.url}/readyz", timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_livez_needs_no_token(stranger: Person) -> None:
    response = stranger.get("/livez")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_readyz_lists_its_parts(stranger: Person) -> None:
    response = stranger.get("/readyz")

    assert (response.status_code, response.json()["status"]) == (200, "ok")
    assert response.json()["parts"].keys() == CHECKS.keys()
    assert set(response.json()["parts"].values()) <= {"ok", "unused"}


def test_a_server_without_redis_is_degraded_and_ready() -> None:
    redis = services.start_redis()
    with ParleyServer(redis_url=redis.url) as parley:
        before = readiness(parley)
        redis.pause()
        frozen = readiness(parley)
        redis.kill()
        away = readiness(parley)

    assert (before[0], before[1]["status"], before[1]["parts"]["redis"]) == (200, "ok", "ok")
    for code, body in (frozen, away):
        assert (code, body["status"], body["reason"]) == (200, "degraded", "redis")
        assert body["parts"]["redis"] == "degraded"


def test_a_server_whose_database_is_unreachable_or_read_only_is_not_ready() -> None:
    postgres = services.start_postgres()
    with ParleyServer(postgres.create_database("chat")) as parley:
        with psycopg.connect(postgres.database_url("postgres"), autocommit=True) as connection:
            connection.execute("ALTER DATABASE chat SET default_transaction_read_only = on")
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'chat'")
        wait_until(lambda: not parley.ready(), seconds=20, what="ready")
        wait_until(lambda: readiness(parley)[1]["parts"]["migrations"] == "ok", seconds=20, what="no migrations")
        read_only = readiness(parley)
        postgres.kill()
        away = readiness(parley)

    for code, body in (read_only, away):
        assert (code, body["status"], body["reason"]) == (503, "unavailable", "database")
        assert body["parts"]["disk"] == "unused"
    postgres.stop()


def test_a_server_whose_postgres_has_a_full_disk_is_degraded() -> None:
    postgres = services.start_postgres()
    with ParleyServer(postgres.create_database("chat")) as parley:
        before = readiness(parley)
        with psycopg.connect(postgres.database_url("chat"), autocommit=True) as connection:
            connection.execute(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
            )
            connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON accounts_user EXECUTE FUNCTION fail()")
        body = {"username": "alice", "password": PASSWORD}
        refused = httpx.post(f"{parley.url}/v1/auth/register", json=body, timeout=30, trust_env=False)
        after = readiness(parley)
        found = {finding.code: finding for finding in examine_server(parley.url)}
    postgres.stop()

    assert (before[0], before[1]["status"], before[1]["parts"]["disk"]) == (200, "ok", "unused")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert (after[0], after[1]["status"], after[1]["reason"]) == (200, "degraded", "disk")
    assert found.keys() == {"server.disk"}
    assert found["server.disk"].level == Level.ERROR
    assert "volume of the database" in found["server.disk"].remedy


def test_probes_of_a_frozen_database_end_in_time() -> None:
    postgres = services.start_postgres()
    with ParleyServer(postgres.create_database("chat")) as parley:
        assert parley.ready()
        pool = values(metrics_of(parley), "parley_database_pool_connections")
        postgres.pause()
        frozen = [readiness(parley) for _ in range(3)]
        postgres.resume()
        wait_until(parley.ready, seconds=30, what="not ready after the database")
    postgres.stop()

    for code, body in frozen:
        assert (code, body["reason"]) == (503, "database")
        assert body["parts"]["descriptors"] == "ok"
    assert pool[()] >= 1


def test_a_probe_leaves_no_file_on_the_disk(stranger: Person) -> None:
    folder = os.path.dirname(os.environ["DATABASE_URL"].removeprefix("sqlite:///"))
    before = sorted(os.listdir(folder))

    stranger.get("/readyz")

    assert sorted(os.listdir(folder)) == before


def test_a_draining_server_is_not_ready() -> None:
    request = AsyncRequestFactory().get("/readyz")
    request.scope = {**request.scope, "extensions": {"parley": {"draining": True}}}

    response = readyz(request)

    assert response.status_code == 503
    assert response.content == b'{"status": "unavailable", "reason": "draining"}'
