"""`python -m tests.drill` is `make drill`: breaks what an operator can lose, and checks where each fault shows.

PostgreSQL, Valkey and two servers; for a full disk SQLite on a small file system, for descriptors a low limit of them.
While a fault lasts, /readyz, /metrics and `manage.py doctor` must name it; afterwards the server must become ready by
itself. Prints a table, and ends with 1 when one of this fails. The disk needs Linux and root, or user namespaces.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.error
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import httpx

from tests.servers import ROOT, ParleyServer
from tests.services import free_port, start_postgres, start_redis, wait_until
from tests.settings.scrapes import Samples, scrape, total
from tests.settings.test_descriptors import Limited, silent_connections
from tests.settings.test_full_disk import SmallDisk
from tests.sockets import PASSWORD, TLS

SECONDS = 60.0  # for a fault to show, and for its end
TOKEN = "a-token-of-the-drill"


@dataclass
class Expected:
    """The signs of a fault: the reason in /readyz (None: no answer), a test of the metrics, a finding of the doctor.

    Without `metrics` the scrape must be refused, as that of a server that is gone: Prometheus then sets `up` to 0.
    """

    reason: str | None
    metrics: Callable[[Samples], bool] | None
    finding: str


class Station:
    """A server, watched as its operator does."""

    def __init__(self, server: ParleyServer, prefix: Sequence[str] = ()) -> None:
        """`prefix` is put before the command of the doctor, which must see the server's file systems."""
        self.server, self.prefix, self.port = server, prefix, free_port()
        server.environment |= {"METRICS_PORT": str(self.port), "METRICS_TOKEN": TOKEN}

    def register(self) -> None:
        """Make a user, whose requests reach the database."""
        body = {"username": "drill", "password": PASSWORD}
        answer = httpx.post(f"{self.server.url}/v1/auth/register", json=body, timeout=30, verify=TLS)
        self.headers = {"Authorization": f"Bearer {answer.json()['token']}"}

    def write(self) -> int:
        """Change the profile; returns the status, or 0 without an answer."""
        body = {"display_name": f"Drill {time.monotonic()}"}
        try:
            answer = httpx.patch(f"{self.server.url}/v1/me", json=body, headers=self.headers, timeout=30, verify=TLS)
        except httpx.HTTPError:
            return 0
        return answer.status_code

    def answers(self) -> bool:
        """Return whether /livez is 200 and the scrape has the metrics of this server."""
        live = httpx.get(f"{self.server.url}/livez", timeout=20, verify=TLS)
        samples = scrape(f"http://127.0.0.1:{self.port}/metrics", TOKEN)
        return live.status_code == 200 and total(samples, "process_start_time_seconds") > 0

    def sees(self, expected: Expected) -> str:
        """Wait until all three show the fault, and return what they show. Raises TimeoutError or AssertionError."""
        wait_until(lambda: self._reason() == expected.reason, seconds=SECONDS, what=f"/readyz without {expected}")
        wait_until(lambda: self._shows(expected), seconds=SECONDS, what=f"/metrics without {expected}")
        command = [*self.prefix, sys.executable, "manage.py", "doctor", "--url", self.server.url]
        done = subprocess.run(
            command, cwd=ROOT, env=self.server.environment, capture_output=True, text=True, check=False
        )
        lines = [line for line in done.stdout.splitlines() if re.search(expected.finding, line)]
        assert lines, f"no {expected.finding} in:\n{done.stdout}{done.stderr}"
        shown = "refused" if expected.metrics is None else "yes"
        return f"/readyz {self._reason() or 'no answer'} | /metrics {shown} | {lines[0][:110]}"

    def _reason(self) -> str | None:
        try:
            probe = httpx.get(f"{self.server.url}/readyz", timeout=20, verify=TLS)
        except httpx.HTTPError:
            return None
        return str(probe.json().get("reason", "ready"))

    def _shows(self, expected: Expected) -> bool:
        try:
            samples = scrape(f"http://127.0.0.1:{self.port}/metrics", TOKEN)
        except urllib.error.URLError as error:
            return expected.metrics is None and isinstance(error.reason, ConnectionRefusedError)
        except OSError:
            return False
        finally:
            self.write()
        return expected.metrics is not None and expected.metrics(samples)


def outages(part: str) -> Callable[[Samples], bool]:
    return lambda samples: total(samples, "parley_outages_total", part=part) > 0


def report(name: str, seen: str, station: Station | None = None) -> None:
    """Print a row, once the server is ready again."""
    if station is not None:
        wait_until(lambda: station._reason() == "ready", seconds=SECONDS, what=f"not ready after: {name}")
        assert station.write() == 200, f"no write after: {name}"
    print(f"| {name} | {seen} | {'ready again' if station else 'started again'} |", flush=True)


def lose_services() -> None:
    """Lose the database, Redis and one of two servers."""
    postgres, redis = start_postgres(), start_redis()
    url = postgres.create_database("drill")
    first, second = (Station(ParleyServer(url, redis.url)) for _ in range(2))
    try:
        first.server.start()
        second.server.start()
        first.register()
        second.headers = first.headers
        postgres.kill()
        seen = first.sees(Expected("database", outages("database"), r"database\."))
        postgres.start()
        report("the database is killed", seen, first)
        redis.kill()
        seen = first.sees(Expected("redis", outages("redis"), r"redis\."))
        redis.start()
        report("Redis is killed", seen, first)
        second.server.kill()
        seen = second.sees(Expected(None, None, r"server\.unreachable"))
        assert first.answers(), "the other server does not answer its probes and scrapes"
        assert first.write() == 200
        second.server.start()
        report("one of two servers is killed", seen, second)
    finally:
        for each in (first.server, second.server, redis, postgres):
            each.stop()


def fill_the_disk() -> None:
    """Fill the disk of SQLite."""
    server = SmallDisk()
    station = Station(server)
    with server:
        station.prefix = ("nsenter", "--target", str(server.pid), "--mount", f"--wd={ROOT}")
        station.register()
        server.fill()
        seen = station.sees(Expected("disk", outages("disk"), r"disk\."))
        server.free()
        report("the disk is full", seen, station)


def use_up_descriptors() -> None:
    """Hold more connections than the descriptors allow."""
    station = Station(Limited())
    with station.server:
        station.register()
        with ExitStack() as stack:
            silent_connections(station.server, stack, 400)
            seen = station.sees(Expected("descriptors", at_the_cap, r"server\.not_ready.*descriptors"))
        report("no descriptor is left for clients", seen, station)


def at_the_cap(samples: Samples) -> bool:
    return total(samples, "parley_connections") >= total(samples, "parley_connections_max") > 0


def main() -> int:
    print("| fault | while it lasts | afterwards |\n|---|---|---|", flush=True)
    failed = False
    for step in (lose_services, fill_the_disk, use_up_descriptors):
        try:
            step()
        except (AssertionError, TimeoutError) as error:
            failed = True
            print(f"failed: {step.__name__}: {error}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
