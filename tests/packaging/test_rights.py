"""The rights of the servers in PostgreSQL and Valkey by compose.yaml: all that they need, and no others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import redis

from tests.packaging.compose_file import SECRETS, command, environment, write_secrets
from tests.proxy.people import register
from tests.servers import OURS, ROOT, ParleyServer
from tests.services import PostgresServer, RedisServer, start_postgres, start_redis


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    return write_secrets(tmp_path)


@pytest.fixture
def postgres(secrets: Path) -> Iterator[PostgresServer]:
    """A cluster whose superuser is `postgres`, as in the image, with the roles that compose.yaml makes."""
    server = start_postgres()
    server.create_database("parley")
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE postgres LOGIN SUPERUSER")
    with psycopg.connect(url(server, "postgres"), autocommit=True) as connection:
        connection.execute("ALTER ROLE parley RENAME TO made_by_initdb")
    for _ in range(2):  # each `docker compose up` runs it again
        make_roles(server, secrets)
    yield server
    server.stop()


def url(server: PostgresServer, role: str, database: str = "parley") -> str:
    return server.database_url(database).replace("//parley@", f"//{role}@")


def make_roles(server: PostgresServer, secrets: Path) -> None:
    """Run the command and script of the service `roles` against the server under test."""
    place = {
        "PGHOST": str(server.folder),
        "PGPORT": str(server.port),
        "PATH": f"{server.binaries}:{os.environ['PATH']}",
    }
    entrypoint = command("roles", "entrypoint", secrets=secrets)
    subprocess.run(entrypoint, env=environment("roles", secrets=secrets) | place, check=True)


def test_the_servers_need_only_rights_to_rows(postgres: PostgresServer) -> None:
    owner = {name: value for name, value in os.environ.items() if name not in OURS} | {
        "DATABASE_URL": url(postgres, "parley_owner"),
        "SECRET_KEY": SECRETS["secret_key"],
    }
    subprocess.run([sys.executable, "manage.py", "prepare"], cwd=ROOT, env=owner, check=True, capture_output=True)

    with ParleyServer(url(postgres, "parley")) as server:
        sender = register(server.url)
        body = {"client_id": "1", "text": "Tea?"}
        httpx.post(f"{server.url}{sender.path}", json=body, headers=sender.headers).raise_for_status()

        assert sender.stored() == ["1"]


@pytest.mark.parametrize("role", ["parley", "parley_owner", "parley_backup"])
def test_no_role_of_parley_is_a_superuser(postgres: PostgresServer, role: str) -> None:
    with psycopg.connect(url(postgres, role)) as connection:
        found = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = %s", [role]
        )

        assert found.fetchone() == (False, False, False)


@pytest.mark.parametrize("statement", ["CREATE TABLE a (b int)", "DROP TABLE kept", "TRUNCATE kept", "CREATE SCHEMA a"])
def test_the_role_of_the_servers_cannot_change_tables(postgres: PostgresServer, statement: str) -> None:
    with psycopg.connect(url(postgres, "parley_owner"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (b int)")

    with psycopg.connect(url(postgres, "parley")) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_the_role_of_the_backup_reads_and_writes_nothing(postgres: PostgresServer) -> None:
    with psycopg.connect(url(postgres, "parley_owner"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (b bigint GENERATED ALWAYS AS IDENTITY)")

    with psycopg.connect(url(postgres, "parley_backup"), autocommit=True) as connection:
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
