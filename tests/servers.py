"""A live Parley: `manage.py serve` in a process of its own, started, stopped, killed and frozen by the tests."""

import fcntl
import functools
import hashlib
import os
import shutil
import socket
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.forked import MEASURED, Forked, run_manage
from tests.services import Server, free_port

ROOT = Path(__file__).resolve().parent.parent
# Variables of the developer's shell that must not reach the server under test.
OURS = frozenset(
    {
        "DATABASE_URL",
        "DATABASE_POOL_SIZE",
        "DATABASE_PREPARE",
        "REDIS_URL",
        "REDIS_PREFIX",
        "HINT_EVENTS",
        "SECRET_KEY",
        "SECRET_KEY_FALLBACKS",
        "HOST",
        "PORT",
        "SERVER",
        "WORKERS",
    }
    | {"DEBUG", "HTTPS", "TRUSTED_PROXIES", "ALLOWED_HOSTS", "CORS_ALLOWED_ORIGINS", "LOG_LEVEL", "PARLEY_TEST_STACK"}
    | {"DJANGO_SETTINGS_MODULE", "SESSION_IDLE_SECONDS", "SESSION_MAX_SECONDS", "DRAIN_SECONDS"}
    | {"DATABASE_PASSWORD", "REDIS_PASSWORD", "SECRET_KEY_FILE", "SECRET_KEY_FALLBACKS_FILE", "DATABASE_URL_FILE"}
    | {"DATABASE_PASSWORD_FILE", "REDIS_URL_FILE", "REDIS_PASSWORD_FILE"}
    | {"CORS_ALLOW_HEADERS", "RATE_LIMITS", "USER_SEARCH", "LOG_FORMAT", "ACCESS_LOG"}
    | {"EMAIL_URL_FILE", "METRICS_TOKEN_FILE"}
    | {"METRICS_TOKEN", "METRICS_HOST", "METRICS_PORT", "SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT"}
    | {"EMAIL_URL", "EMAIL_FROM", "PUBLIC_URL", "ADMIN"}
    | {"RUN_JOBS", "AUDIT_DAYS"}
    | {"JWT_SECRET", "JWT_SECRET_FILE", "JWT_PUBLIC_KEY", "JWT_PUBLIC_KEY_FILE", "JWT_JWKS_URL"}
    | {"JWT_ISSUER", "JWT_AUDIENCE"}
    | {"WS_PING_INTERVAL_SECONDS", "WS_PING_TIMEOUT_SECONDS", "WS_STALL_SECONDS", "HTTP_IDLE_SECONDS"}
)


class ParleyServer(Server):
    """One server on a free loopback port against the given database and Redis.

    Without `database_url` it has a SQLite file of its own, migrated already; without `redis_url` hints stay in the
    process. `command` replaces `manage.py serve`, for entry points that plant bugs. `with ParleyServer() as server:`
    starts and ends it.
    """

    start_seconds = 60.0

    def __init__(
        self,
        database_url: str = "",
        redis_url: str = "",
        *,
        server: str = "daphne",
        workers: int = 1,
        env: Mapping[str, str] | None = None,
        command: tuple[str, ...] = ("manage.py", "serve"),
    ) -> None:
        super().__init__("server")
        self.port = free_port()
        self.command = command
        self._file = None if database_url else self.folder / "parley.sqlite3"
        self.environment = {name: value for name, value in os.environ.items() if name not in OURS} | {
            "DATABASE_URL": database_url or f"sqlite:///{self._file}",
            "REDIS_URL": redis_url,
            "SECRET_KEY": "only-for-tests-" * 4,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "SERVER": server,
            "WORKERS": str(workers),
            "PYTHONUNBUFFERED": "1",
            **(env or {}),
        }

    @property
    def url(self) -> str:
        """The base URL of REST, without a closing slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """The base URL of sockets, without a closing slash."""
        return f"ws://127.0.0.1:{self.port}"

    def launch(self) -> None:
        """Starts the process and does not wait; a file of its own that does not exist is one that is migrated."""
        if self._file and not self._file.exists():
            shutil.copy(migrated_file(), self._file)
        if type(self) is ParleyServer and self.environment["WORKERS"] == "1" and not MEASURED:
            environment = {"ACCESS_LOG": "0", **self.environment}
            self.process = Forked(self.command, env=environment, output=self.log)
        else:
            super().launch()

    def ready(self) -> bool:
        """True when /readyz answers 200 now."""
        with socket.socket() as probe:  # much cheaper than a refused request, and most are refused
            if probe.connect_ex(("127.0.0.1", self.port)):
                return False
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def _command(self) -> list[str]:
        return [sys.executable, *self.command]

    def _answers(self) -> bool:
        return self.ready()

    def _options(self) -> dict[str, Any]:
        return {"cwd": ROOT, "env": self.environment}


@functools.cache
def migrated_file() -> Path:
    """An empty Parley in SQLite, kept for all runs: the migrations cost as much CPU as all else of a start."""
    sources = [*sorted(ROOT.glob("*/migrations/*.py")), ROOT / "uv.lock"]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    kept = ROOT / f".var/tests/{digest}.sqlite3"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.with_suffix(".lock").open("w") as lock:  # several runs begin at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
                prepare(f"sqlite:///{folder}/parley.sqlite3")
                Path(folder, "parley.sqlite3").rename(kept)
    return kept


def prepare(database_url: str) -> None:
    """Migrate a database as `serve` does on its first start."""
    run_manage("prepare", env=ParleyServer(database_url).environment).check_returncode()
