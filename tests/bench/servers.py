"""The servers under test, each a real process on loopback: the tutorial's chat, Parley, and Socket.IO."""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import orjson

from tests.servers import OURS, ROOT, ParleyServer
from tests.services import PostgresServer, RedisServer, Server, ServiceMissing, free_port, start_postgres, start_redis

VAR = ROOT / ".var" / "bench"


class Backing:
    """The Valkey and the PostgreSQL (fsync on) that the servers share; each Parley gets a database of its own."""

    def __init__(self) -> None:
        self.redis: RedisServer = start_redis()
        self._databases = 0

    @functools.cached_property
    def postgres(self) -> PostgresServer:
        """Started on first use."""
        return start_postgres(fsync=True)

    def new_database(self) -> str:
        """The URL of an empty database."""
        self._databases += 1
        return self.postgres.create_database(f"bench_{self._databases}")

    @property
    def pids(self) -> list[int]:
        """The process ids of the running services."""
        return [self.redis.pid, *([self.postgres.pid] if self._databases else [])]

    def stop(self) -> None:
        """End both."""
        self.redis.stop()
        if self._databases:
            self.postgres.stop()


class OtherServer(Server):
    """A server of another project; it is up as soon as it answers HTTP."""

    def __init__(self, name: str, command: list[str], env: Mapping[str, str], cwd: Path = ROOT) -> None:
        super().__init__(name)
        self.port = free_port()
        self.command, self.cwd = [part.replace("$PORT", str(self.port)) for part in command], cwd
        inherited = {key: value for key, value in os.environ.items() if key not in OURS}
        self.environment = {**inherited, "PORT": str(self.port), **env}

    @property
    def ws_url(self) -> str:
        """The base URL of sockets, without a closing slash."""
        return f"ws://127.0.0.1:{self.port}"

    def _command(self) -> list[str]:
        return self.command

    def _answers(self) -> bool:
        try:
            urlopen(f"http://127.0.0.1:{self.port}/", timeout=2).close()
        except HTTPError:
            return True
        except OSError:
            return False
        return True

    def _options(self) -> dict[str, Any]:
        return {"cwd": self.cwd, "env": self.environment}


@dataclass(frozen=True)
class Seeded:
    """The users and rooms of a seeded database."""

    users: list[dict[str, str]]
    rooms: list[str]


class MeasuredServer(ParleyServer):
    """A Parley that is started as an operator starts it; the other tests fork theirs."""


@dataclass
class Parley:
    """A running Parley and how to fill it. `patch` names one of tests/bench/patched.py."""

    backing: Backing
    server: str = "daphne"
    workers: int = 1
    sqlite: bool = False
    patch: str = ""
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        command = ("-m", "tests.bench.patched", self.patch, "serve") if self.patch else ("manage.py", "serve")
        self.process = MeasuredServer(
            "" if self.sqlite else self.backing.new_database(),
            "" if self.sqlite else self.backing.redis.url,
            server=self.server,
            workers=self.workers,
            env={"LOG_LEVEL": "WARNING", **self.env},
            command=command,
        )
        self.process.start()

    def seed(self, users: int, rooms: list[list[int]], messages: int = 0) -> Seeded:
        """Make users and rooms; see tests/bench/seed.py."""
        plan = orjson.dumps({"users": users, "rooms": rooms, "messages": messages})
        command = [sys.executable, "-m", "tests.bench.seed"]
        env = self.process.environment
        made = subprocess.run(command, input=plan, cwd=ROOT, env=env, check=False, capture_output=True)
        if made.returncode:
            raise RuntimeError(made.stderr.decode()[-2000:])
        return Seeded(**orjson.loads(made.stdout))


def start_tutorial(backing: Backing) -> OtherServer:
    """The tutorial's chat under daphne, as its deployment page describes."""
    command = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", "$PORT"]
    command.append("tests.bench.tutorial.asgi:application")
    env = {"REDIS_URL": backing.redis.url, "DJANGO_SETTINGS_MODULE": "tests.bench.tutorial.settings"}
    return OtherServer("tutorial", command, env).start()


def start_socketio(backing: Backing) -> OtherServer:
    """Socket.IO with its Redis adapter. Raises ServiceMissing where Node or its packages are not to be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise ServiceMissing("Node and npm are not installed")
    folder = VAR / "socketio"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "server.js"):
        shutil.copy(Path(__file__).parent / "socketio" / name, folder)
    if not (folder / "node_modules" / "socket.io").exists():
        installed = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--silent"],
            cwd=folder, capture_output=True, text=True, check=False, timeout=180,
        )  # fmt: skip
        if installed.returncode:
            raise ServiceMissing(f"npm install failed: {(installed.stderr or installed.stdout).strip()[-300:]}")
    env = {"REDIS_URL": backing.redis.url, "NODE_ENV": "production"}
    return OtherServer("socketio", [node, "server.js"], env, folder).start()
