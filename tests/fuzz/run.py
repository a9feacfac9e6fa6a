"""The three fuzzers, and the health of the server behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.contracts.documents import openapi
from tests.contracts.test_mutations import Fuzzer
from tests.contracts.world import World
from tests.fuzz.grammar import Grammar
from tests.fuzz.pipeline import Pipeline, Request
from tests.servers import ParleyServer

GROWTH_MB = 150  # of the server's memory; caches and threads fill up at first
SOCKETS = 4  # at once
SECONDS = 60.0  # for an answer, on a busy machine
FRAMES = 15  # on one socket: the server closes it after twenty bad ones in a minute
SKIPPED = {"log_out", "log_out_all", "delete_me", "delete_me_by_post", "end_session", "stream"}
BAD_CODES = {1006, 1011}
JSON = {"Content-Type": "application/json"}
ENVIRONMENT = {"RATE_LIMITS": "0", "DJANGO_SETTINGS_MODULE": "tests.fuzz.settings"}


@contextmanager
def fuzzed_server() -> Iterator[tuple[World, ParleyServer]]:
    """Run a server; at the end it must live, have logged no traceback, and not have grown."""
    with ParleyServer(env=ENVIRONMENT) as server:
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
    headers = {"Authorization": f"Bearer {world.alice.token}"}
    mutated = []
    for _ in range(cases):
        method, path, body, query = fuzzer.request()
        target = quote(path, safe="/%") + (f"?{urlencode(query)}" if query else "")
        sent = headers if body is None else headers | JSON
        mutated.append(Request(method, target, sent, body or b""))
    _send(world, mutated, f"seed {seed}, a mutated request")


def fuzz_by_schema(world: World, examples: int, seed: int) -> int:
    """Send, for each operation, requests that Schemathesis makes of its schema. Returns their number.

    Half of them name the room, message and user of the world, so that more is done than looking up what is not there.
    """
    cases: list[Any] = []
    for operation in _operations():

        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=operation.as_strategy())
        def keep(case: Any) -> None:
            cases.append(case)

        hypothesis.seed(seed)(keep)()
    for case in cases:
        if isinstance(case.body, dict):
            case.body.pop("wait_ms", None)  # each empty sync would wait
    for case in cases[::2]:
        known = world.rooms["private"].paths(world.bob.id)
        case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
    _send(world, [_rendered(case, world.alice.token) for case in cases], f"seed {seed}, a request by the schema")
    return len(cases)


@cache
def _operations() -> list[Any]:
    results: Iterable[Any] = schemathesis.openapi.from_dict(openapi().document).get_all_operations()
    found = [result.ok() for result in results]
    return [operation for operation in found if operation.definition.raw["operationId"] not in SKIPPED]


def _rendered(case: Any, token: str) -> Request:
    arguments = case.as_transport_kwargs(base_url="http://server", headers={"Authorization": f"Bearer {token}"})
    made: Any = requests.Request(**arguments).prepare()
    body = made.body.encode() if isinstance(made.body, str) else made.body or b""
    headers = {name: value for name, value in made.headers.items() if name != "Content-Length"}
    return Request(made.method, made.path_url, headers, body)


def _send(world: World, sent: list[Request], what: str) -> None:
    pipeline = Pipeline(world.server.url)
    for answer in pipeline.send(sent):
        assert answer.status < 500, f"{what}: {answer}"
    pipeline.close()


def fuzz_frames(world: World, cases: int, seed: int) -> None:
    """Send frames by grammar; each socket must live on or close with a reason, never 1011 or without a close frame."""
    grammar = Grammar(seed, world.rooms["private"].paths(world.bob.id))
    parts = [[grammar.frame() for _ in range(min(FRAMES, cases - start))] for start in range(0, cases, FRAMES)]

    async def send_parts(number: int) -> None:
        for frames in parts[number::SOCKETS]:
            code = await _send_frames(world, frames)
            assert code not in BAD_CODES, f"seed {seed}: {code} after {frames}"

    async def send_all() -> None:
        await asyncio.gather(*(send_parts(number) for number in range(SOCKETS)))

    asyncio.run(send_all())


async def _send_frames(world: World, frames: list[str | bytes]) -> int | None:
    """Send the frames and then a ping on a new socket, and read up to its reply.

    Returns the code of a close, 1006 for one without a close frame.
    """
    headers = {"Authorization": f"Bearer {world.alice.token}"}
    try:
        async with connect(
            f"{world.server.ws_url}/v1/ws",
            additional_headers=headers,
            max_size=None,
            compression=None,
            ping_interval=None,
            proxy=None,
            open_timeout=SECONDS,
        ) as socket:
            for frame in [*frames, '{"action": "ping", "request_id": "the-last-one"}']:
                await socket.send(frame)
            while '"the-last-one"' not in (text := str(await asyncio.wait_for(socket.recv(), SECONDS))):
                assert '"response_status":5' not in text.replace(" ", ""), f"{frames} {text!r}"
    except ConnectionClosed as closed:
        return 1006 if closed.rcvd is None else closed.rcvd.code
    return None
