"""The processes of Parley that the tests start, forked from one that has imported the libraries: most of a start.

Nothing of Parley is imported before the fork, and no setting is read: each process has its own environment, session,
standard streams and exit code, as if the command had been run.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
MEASURED = "COVERAGE_PROCESS_CONFIG" in os.environ  # coverage begins to measure where a process begins, not at a fork
# Libraries that a server imports and that need no settings; not daphne, whose import chooses the event loop.
LIBRARIES = [
    "asyncio", "autobahn.websocket.utf8validator", "channels.generic.websocket", "channels.routing",
    "channels_redis.core", "corsheaders.middleware", "cryptography.fernet", "django.contrib.admin.sites",
    "django.contrib.auth.hashers", "django.contrib.postgres.fields", "django.core.mail", "django.core.management",
    "django.core.servers.basehttp", "django.db.backends.postgresql.base", "django.db.backends.sqlite3.base",
    "django.db.migrations.executor", "django.forms", "django.test.client", "django.views.debug", "inflection",
    "jsonschema", "jwt", "orjson", "prometheus_client", "psycopg_pool", "pygments.formatters", "redis.asyncio",
    "requests", "rest_framework.compat", "rest_framework.serializers", "rest_framework.utils.encoders", "structlog",
    "twisted.internet.asyncioreactor", "twisted.internet.ssl", "twisted.web.http", "uritemplate", "uuid_utils",
    "uvicorn", "websockets.server", "yaml",
]  # fmt: skip


class Forked:
    """A process that has been forked; the part of subprocess.Popen that the tests use."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], output: Path, errors: Path | None = None
    ) -> None:
        """Run Python in the root of the repository with these arguments: a script, or -m and a module.

        Its stdout is added to the file `output`, its stderr to `errors` or else to the same file.
        """
        self.args = list(command)
        self.returncode: int | None = None
        files = [str(output), str(errors or output)]
        self.pid: int = _fork_server.ask(command=self.args, env=dict(env), files=files)

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while the process runs."""
        if self.returncode is None:
            self.returncode = _fork_server.ask(ended=self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code. Raises subprocess.TimeoutExpired after so many seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Signal the process unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class _ForkServer:
    """The process that has the libraries, started at the first question and ended with the tests."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def ask(self, **question: Any) -> Any:
        """Send one line of JSON, and return the answer."""
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-u", "-m", "tests.forked"],
                    cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
                )  # fmt: skip
                atexit.register(self._end)
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def _end(self) -> None:
        if self._process is not None:
            self._process.communicate()


_fork_server = _ForkServer()


def run_manage(*arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of manage.py to its end."""
    if MEASURED:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=_ROOT, env=env, check=False, capture_output=True, text=True)
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        process = Forked(["manage.py", *arguments], env=env, output=output, errors=errors)
        return subprocess.CompletedProcess(process.args, process.wait(), output.read_text(), errors.read_text())


def serve() -> list[str]:
    """Fork a process for each command of the tests. Returns in the child alone: the arguments that it is to run."""
    codes: dict[int, int | None] = {}
    for line in sys.stdin:
        question = json.loads(line)
        if "command" in question:
            pid = os.fork()
            if not pid:
                _become(question["env"], question["files"])
                return list(question["command"])
            codes[pid] = None
            print(pid)
        else:
            pid = question["ended"]
            if codes[pid] is None and (status := os.waitpid(pid, os.WNOHANG))[0]:
                codes[pid] = os.waitstatus_to_exitcode(status[1])
            print(json.dumps(codes[pid]))
    for pid, code in codes.items():  # the tests have gone, however they went
        if code is None:
            os.kill(pid, signal.SIGTERM)
    raise SystemExit


def _become(env: dict[str, str], files: list[str]) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    streams = [os.open(os.devnull, os.O_RDONLY)]
    streams += [os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) for file in files]
    for stream, opened in enumerate(streams):
        os.dup2(opened, stream)
        os.close(opened)


if __name__ == "__main__":
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    command = serve()
    gc.unfreeze()
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")
