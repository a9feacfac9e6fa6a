"""The rights of the servers in PostgreSQL and Valkey by compose.yaml: all that they need, and no others."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import psycopg
import pytest
import redis

from tests.packaging.cluster import Cluster
from tests.packaging.compose_file import SECRETS, environment
from tests.proxy.people import register
from tests.servers import ParleyServer
from tests.services import RedisServer, start_redis


def test_the_servers_need_only_rights_to_rows(cluster: Cluster) -> None:
    cluster.manage("prepare")

    with ParleyServer(cluster.url("parley")) as server:
        sender = register(server.url)
        body = {"client_id": "1", "text": "Tea?"}
        httpx.post(f"{server.url}{sender.path}", json=body, headers=sender.headers).raise_for_status()

        assert sender.stored() == ["1"]


@pytest.mark.parametrize("role", ["parley", "parley_owner", "parley_backup"])
def test_no_role_of_parley_is_a_superuser(cluster: Cluster, role: str) -> None:
    with psycopg.connect(cluster.url(role)) as connection:
        found = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = %s", [role]
        )

        assert found.fetchone() == (False, False, False)


@pytest.mark.parametrize("statement", ["CREATE TABLE a (b int)", "DROP TABLE kept", "TRUNCATE kept", "CREATE SCHEMA a"])
def test_the_role_of_the_servers_cannot_change_tables(cluster: Cluster, statement: str) -> None:
    with psycopg.connect(cluster.url("parley_owner"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (b int)")

    with psycopg.connect(cluster.url("parley")) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_the_role_of_the_backup_reads_and_writes_nothing(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url("parley_owner"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (b bigint GENERATED ALWAYS AS IDENTITY)")

    with psycopg.connect(cluster.url("parley_backup"), autocommit=True) as connection:
        connection.execute("SELECT * FROM kept")
        connection.execute("SELECT last_value FROM kept_b_seq")
        connection.execute("SET default_transaction_read_only = off")

        for statement in ("INSERT INTO kept DEFAULT VALUES", "DELETE FROM kept", "CREATE TABLE a (b int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


@pytest.fixture
def valkey() -> Iterator[RedisServer]:
    """A server with the user of compose.yaml, and the default user, which inspects the server."""
    server = start_redis()
    (rules,) = [line for line in environment("valkey")["VALKEY_CONFIG"].splitlines() if line.startswith("user parley ")]
    with redis.Redis.from_url(server.url) as admin:
        admin.execute_command("ACL", "SETUSER", *(rules % SECRETS["valkey_password"]).split()[1:])
    yield server
    server.stop()


def test_the_servers_need_no_other_rights_in_valkey(valkey: RedisServer) -> None:
    redis_url = valkey.url.replace("//", f"//parley:{SECRETS['valkey_password']}@")

    with ParleyServer(redis_url=redis_url) as server, redis.Redis.from_url(valkey.url) as admin:
        sender = register(server.url)
        body = {"client_id": "1", "text": "Tea?"}
        httpx.post(f"{server.url}{sender.path}", json=body, headers=sender.headers).raise_for_status()

        assert admin.pubsub_channels("parley*") != []
        assert admin.acl_log() == []


@pytest.mark.parametrize(
    "refused", [("GET", "parley"), ("PUBLISH", "other", "a"), ("KEYS", "*"), ("CONFIG", "GET", "*")]
)
def test_the_user_of_the_servers_has_no_other_rights_in_valkey(valkey: RedisServer, refused: tuple[str, ...]) -> None:
    client = redis.Redis(port=valkey.port, username="parley", password=SECRETS["valkey_password"], protocol=2)

    with client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*refused)  # type: ignore[no-untyped-call]
