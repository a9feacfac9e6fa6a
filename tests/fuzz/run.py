"""The three fuzzers, and the health of the server behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.contracts.documents import openapi
from tests.contracts.test_mutations import Fuzzer
from tests.contracts.world import Caller, World
from tests.fuzz.grammar import Grammar
from tests.servers import ParleyServer

GROWTH_MB = 150  # of the server's memory; caches and threads fill up at first
FRAMES = 15  # on one socket: the server closes it after twenty bad ones in a minute
SKIPPED = {"log_out", "log_out_all", "delete_me", "delete_me_by_post", "end_session", "stream"}
INTERNAL = 1011


@contextmanager
def fuzzed_server() -> Iterator[tuple[World, ParleyServer]]:
    """Run a server; at the end it must live, have logged no traceback, and not have grown."""
    with ParleyServer(env={"RATE_LIMITS": "0"}) as server:
        world = World(server)
        before = memory_mb(server.pid)
        yield world, server
        world.close()
        assert server.running
        assert server.ready()
        assert "Traceback" not in server.logs, server.logs[-4000:]
        assert memory_mb(server.pid) - before < GROWTH_MB


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def fuzz_requests(world: World, cases: int, seed: int) -> None:
    """Send mutated examples of the contract."""
    fuzzer = Fuzzer(world, seed)
    for number in range(cases):
        response = fuzzer.send_request(world.alice)
        assert response.status_code < 500, f"seed {seed}, request {number}: {response.request} {response.text}"


def fuzz_by_schema(world: World, examples: int, seed: int) -> int:
    """Send, for each operation, requests that Schemathesis makes of its schema. Returns their number."""
    count = 0
    caller = world.newcomer("eve")
    for found in schemathesis.openapi.from_dict(openapi().document).get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        if operation.definition.raw["operationId"] not in SKIPPED:
            count += _fuzz_operation(operation, caller, examples, seed)
    return count


def _fuzz_operation(operation: Any, caller: Caller, examples: int, seed: int) -> int:
    count = 0

    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        nonlocal count
        headers = {"Authorization": f"Bearer {caller.token}"}
        if isinstance(case.body, dict):
            case.body.pop("wait_ms", None)  # each empty sync would wait
        response = case.call(base_url=caller.server.url, headers=headers, timeout=30)
        count += 1
        assert response.status_code < 500, f"{operation.label}: {case.body!r} {case.query!r} {response.text}"

    hypothesis.seed(seed)(send)()
    return count


def fuzz_frames(world: World, cases: int, seed: int) -> None:
    """Send frames by grammar; each socket must live on or close with a reason of its own, never 1011."""
    room = world.rooms["private"].paths(world.bob.id)
    grammar = Grammar(seed, room)
    for start in range(0, cases, FRAMES):
        frames = [grammar.frame() for _ in range(min(FRAMES, cases - start))]
        headers = {"Authorization": f"Bearer {world.alice.token}"}
        with connect(f"{world.server.ws_url}/v1/ws", additional_headers=headers, max_size=None) as socket:
            code = _send_all(socket, frames)
        assert code != INTERNAL, f"seed {seed}, frames {start}: {frames}"


def _send_all(socket: ClientConnection, frames: list[str]) -> int | None:
    """Send the frames and then a ping, and read up to its reply. Returns the code of a close."""
    try:
        for frame in frames:
            socket.send(frame)
        socket.send('{"action": "ping", "request_id": "the-last-one"}')
        while '"the-last-one"' not in str(text := socket.recv(timeout=60)):
            assert '"response_status":5' not in str(text).replace(" ", ""), f"{frames} {text!r}"
    except ConnectionClosed as closed:
        return None if closed.rcvd is None else closed.rcvd.code
    return None
