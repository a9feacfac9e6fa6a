"""`manage.py serve`, run as an operator runs it."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests import services
from tests.servers import ROOT, ParleyServer
from tests.services import ServiceMissing, children_of, wait_until

SERVERS = ["daphne", "uvicorn"]


@pytest.mark.parametrize("server", SERVERS)
def test_it_works(server: str) -> None:
    with ParleyServer(server=server) as parley:
        assert urllib.request.urlopen(f"{parley.url}/livez").status == 200
        assert f"Parley serves {parley.url}" in parley.logs
        assert "pages of localhost, 127.0.0.1 and 10.0.2.2 may call" in parley.logs
        assert "rate limits are off: RATE_LIMITS=0" in parley.logs

        assert parley.stop() == 0

    assert "Traceback" not in parley.logs


def test_local_pages_may_not_call_a_server_with_a_public_name() -> None:
    with ParleyServer(
        env={"ALLOWED_HOSTS": "127.0.0.1 chat.example.com", "CORS_ALLOWED_ORIGINS": "app:// null"}
    ) as parley:
        assert "pages of localhost" not in parley.logs
        assert "rate limits are on" in parley.logs


def test_the_second_start_has_nothing_to_migrate(tmp_path: Path) -> None:
    parley = ParleyServer(f"sqlite:///{tmp_path / 'new.sqlite3'}")
    with parley:
        pass
    logged = len(parley.logs)

    with parley:
        pass

    assert "migrations" in parley.logs[:logged]
    assert "migrations" not in parley.logs[logged:]


def test_several_processes_share_one_socket_and_a_killed_one_is_replaced() -> None:
    with ParleyServer(workers=2) as parley:
        first, second = children_of(parley.pid)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(set(children_of(parley.pid)) - {first}) == 2, seconds=10, what="no new worker")

        assert "about a second later" in parley.logs
        assert second in children_of(parley.pid)
        assert parley.stop() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_after_sigterm_new_connections_are_refused_and_begun_requests_answered(workers: int) -> None:
    with ParleyServer(workers=workers) as parley, socket.create_connection(("127.0.0.1", parley.port)) as begun:
        begun.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
        urllib.request.urlopen(f"{parley.url}/livez").close()
        os.kill(parley.pid, signal.SIGTERM)
        wait_until(lambda: not accepts(parley.port), seconds=20, what="still listening")
        begun.sendall(b"\r\n")

        answer = b""
        while more := begun.recv(65_536):
            answer += more

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"onnection: close" in answer


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_zero_workers_is_an_error() -> None:
    with pytest.raises(CommandError, match="--workers"):
        call_command("serve", "--workers", "0")


def test_workers_end_when_their_parent_is_killed() -> None:
    with ParleyServer(workers=2) as parley:
        workers = children_of(parley.pid)

        os.kill(parley.pid, signal.SIGKILL)

        wait_until(lambda: not any(map(services.alive, workers)), seconds=15, what="the workers did not end")


def test_two_servers_can_start_on_one_new_database_at_once() -> None:
    postgres = services.start_postgres()
    both = [ParleyServer(postgres.create_database("chat")), ParleyServer(postgres.database_url("chat"))]
    for parley in both:
        parley.launch()

    for parley in both:
        parley.await_answer()

    assert sorted("migrations" in parley.logs for parley in both) == [False, True]
    for parley in both:
        assert parley.stop() == 0
    postgres.stop()


@pytest.mark.parametrize("database", ["postgres://parley@127.0.0.1:1/parley", "sqlite:///{folder}/parley.sqlite3"])
def test_a_database_that_cannot_be_prepared_gives_a_one_line_error(database: str, tmp_path: Path) -> None:
    (tmp_path / "parley.sqlite3.lock").mkdir()  # a folder in place of the lock file fails for root too
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "settings.base",
        "DATABASE_URL": database.format(folder=tmp_path),
        "SECRET_KEY": "k" * 50,
        "PORT": "0",
    }

    for verb in ("serve", "prepare"):
        ended = subprocess.run(
            [sys.executable, "manage.py", verb], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )

        assert ended.returncode == 1
        assert "The database of DATABASE_URL cannot be prepared: " in ended.stderr
        assert "Traceback" not in ended.stderr


def test_an_occupied_port_is_an_error_with_advice() -> None:
    parley = ParleyServer()
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", parley.port))
        occupant.listen()

        with pytest.raises(ServiceMissing, match="Set HOST or PORT"):
            parley.start()


def test_readiness_follows_the_database() -> None:
    """While the database is down the server is alive but not ready; it is ready within seconds of its return."""
    postgres = services.start_postgres()
    with ParleyServer(postgres.database_url("postgres")) as parley:
        postgres.kill()
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"{parley.url}/readyz")
        assert urllib.request.urlopen(f"{parley.url}/livez").status == 200

        postgres.start()

        wait_until(parley.ready, seconds=6, what="not ready")
    postgres.stop()
