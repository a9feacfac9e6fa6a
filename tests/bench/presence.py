"""Presence: the cost of bringing the changes of some people to the sockets that watch them.

Each socket watches 200 of the 400 people with whom it shares ten rooms, so that each person is watched equally often.
A change is one `set_presence` of a connected device. A socket gets one frame a second with everything new.
"""

import asyncio
import subprocess
import sys
import time
from typing import Any

import orjson

from tests.bench.crowd import Crowd
from tests.bench.dialects import Parley as ParleyDialect
from tests.bench.dialects import PeerState
from tests.bench.processes import cpu_seconds
from tests.bench.results import Row
from tests.bench.servers import Backing, Parley, Seeded
from tests.servers import ROOT

WATCHED = 200
GROUPS = 10  # people of one group share their rooms
ROOMS_OF_GROUP = 10
CHANGES_PER_SECOND = 100
SECONDS = 20.0
OWN_ROOMS = "from api.models import Member; Member.objects.update(put_by_other=False)"


class Watching(ParleyDialect):
    """A socket that watches people, and counts the states that it receives."""

    def __init__(self, people: list[str]) -> None:
        self.people = people
        self.states = self.frames = 0

    def watched_by(self, number: int) -> list[str]:
        """The ids that a socket watches: its group is the last digit of its number."""
        group = self.people[number % GROUPS :: GROUPS]
        start = number // GROUPS
        return [group[(start + 2 * step) % len(group)] for step in range(min(WATCHED, len(group) // 2))]

    def receive(self, peer: PeerState, frame: Any) -> None:
        if frame["action"] == "hello":
            body = {"action": "watch_presence", "request_id": "w", "user_ids": self.watched_by(int(peer.rooms[0]))}
            peer.send_text(orjson.dumps(body))
        elif frame["action"] == "watch_presence":
            assert frame["response_status"] == 200, frame
            peer.be_ready()
        elif frame["action"] == "events":
            self.states += sum(event["type"] == "presence.updated" for event in frame["data"])
            self.frames += 1
        elif frame.get("response_status") != 200:
            peer.report_error(f"received {frame}")


async def measure(backing: Backing, server: str, name: str, sockets: int = 2_000, people: int = 4_000) -> list[Row]:
    """Measure the server while nothing changes, and while people change."""
    parley = Parley(backing, server)
    try:
        rooms = [list(range(room % GROUPS, people, GROUPS)) for room in range(GROUPS * ROOMS_OF_GROUP)]
        seeded = await asyncio.to_thread(parley.seed, people, rooms)
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", OWN_ROOMS]
        environment = parley.process.environment
        await asyncio.to_thread(subprocess.run, command, cwd=ROOT, env=environment, check=True, capture_output=True)
        return await _watch(parley, backing, name, seeded, sockets)
    finally:
        parley.process.stop()


async def _watch(parley: Parley, backing: Backing, name: str, seeded: Seeded, sockets: int) -> list[Row]:
    dialect = Watching([user["id"] for user in seeded.users])
    crowd = Crowd(parley.process.ws_url, dialect)
    tokens = [user["token"] for user in seeded.users[:sockets]]
    await crowd.join(tokens, [[str(number)] for number in range(sockets)])
    await asyncio.sleep(3)  # the devices that have just come are announced
    rows = []
    for rate in (0, CHANGES_PER_SECOND):
        dialect.states = dialect.frames = changes = 0
        pids, began = [parley.process.pid], time.perf_counter()
        cpu, backs = cpu_seconds(pids), cpu_seconds(backing.pids)
        while (passed := time.perf_counter() - began) < SECONDS:
            while changes < passed * rate:
                _change(crowd, changes)
                changes += 1
            await asyncio.sleep(0.01)
        passed = time.perf_counter() - began
        cpu, backs = cpu_seconds(pids) - cpu, cpu_seconds(backing.pids) - backs
        states = dialect.states
        rows.append(
            Row(
                workload=f"presence, {sockets:,} sockets watch {WATCHED} each, {changes / passed:.0f} changes a second",
                server=name,
                operation="second",
                cpu_us=cpu / passed * 1e6,
                per_second=states / passed,
                backing_us=backs / passed * 1e6,
                note=f"{cpu / passed:.1%} of a core, {states / passed:,.0f} states and {dialect.frames / passed:,.0f} "
                "frames a second",
            )
        )
    await crowd.close()
    if crowd.errors:
        raise AssertionError(crowd.errors[:3])
    return rows


def _change(crowd: Crowd, number: int) -> None:
    """Change the state of one device: all in turn, each away and then active again."""
    turn, place = divmod(number, len(crowd.peers))
    state = ("away", "active")[turn % 2]
    crowd.peers[place].send_text(orjson.dumps({"action": "set_presence", "request_id": "s", "state": state}))
