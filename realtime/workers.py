"""Several server processes on one listening socket: each dead one is replaced, and all end at once."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from django.conf import settings

from wire import snapshots

RESTART_PAUSE_SECONDS = 1.0  # a worker that dies at once must not burn the machine
STOP_SECONDS = 12.0  # and DRAIN_SECONDS: longer than a server's own limit, shorter than most supervisors' patience


class Workers:
    """The processes of one `serve`; `run` returns when all have ended after SIGTERM or SIGINT."""

    def __init__(self, count: int, command: list[str], listener: socket.socket, log: Callable[[str], None]) -> None:
        self.count, self.command, self.listener, self.log = count, command, listener, log
        self.processes: list[subprocess.Popen[bytes]] = []
        self.stopping = threading.Event()
        # Held open by this process alone: a worker whose read returns has lost its parent, even by SIGKILL.
        self.lifeline, self._held = os.pipe()
        self.metrics = snapshots.create(count)

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stopping.set())
        self.processes = [self._start(place) for place in range(self.count)]
        while not self.stopping.wait(0.2):
            self._replace_the_dead()
        self._end()

    def _start(self, place: int) -> subprocess.Popen[bytes]:
        # A session of its own: the terminal's Ctrl-C reaches this process alone, which passes on one SIGTERM.
        listener = self.listener.fileno()
        options = ["--fd", str(listener), "--lifeline", str(self.lifeline)]
        options += ["--metrics", str(self.metrics), "--worker", str(place)]
        return subprocess.Popen(
            [*self.command, *options],
            pass_fds=(listener, self.lifeline, self.metrics),
            start_new_session=True,
        )

    def _replace_the_dead(self) -> None:
        for place, process in enumerate(self.processes):
            if process.poll() is None:
                continue
            self.log(f"A worker ended with {process.returncode}; starting another.")
            if not self.stopping.wait(RESTART_PAUSE_SECONDS):
                self.processes[place] = self._start(place)

    def _end(self) -> None:
        # First: while a copy is open the kernel accepts connections, and the last worker to close resets those.
        self.listener.close()
        for process in self.processes:
            process.terminate()
        deadline = time.monotonic() + settings.DRAIN_SECONDS + STOP_SECONDS
        for process in self.processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def command_of_this_process() -> list[str]:
    """The command that starts this program once more."""
    return [sys.executable, os.path.abspath(sys.argv[0]), "serve"]


def end_with(lifeline: int) -> None:
    """End this process in order when its parent has gone."""

    def watch() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
