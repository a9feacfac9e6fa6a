"""Mutated examples of the contracts cause no 5xx, no undocumented answer and no closed socket.

A seeded generator mutates the examples; a failure names the seed that repeats it.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contracts.documents import asyncapi, openapi
from tests.contracts.world import Caller, World
from tests.sockets import Socket

REQUESTS, FRAMES = 300, 500
SEED = 20_261_122
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    1.5,
    2**53 - 1,
    "",
    " ",
    "x",
    "x" * 9_000,
    "é\u202e\ufeff\U0001f600",
    "\t\r\n",
    "null",
    "9" * 400,
    "0199c7a5-3d2e-7c41-9a52-6f0d8e1b4c70",
    "2026-02-30T25:61:61Z",
    "../../etc/passwd",
    "' OR 1=1 --",
    [],
    [None],
    [[[]]],
    {},
    {"": ""},
    {"__proto__": {"constructor": 1}},
]
# Values that strict JSON rejects before any serializer runs; on a socket these count as bad frames.
ODDER = ["\x00", 1e308, 2**53, 2**64, -(2**63)]
ODD_WORDS = ["", "-1", "0", "null", "9" * 30, "1.5", "%", "é", "a b", "unread", "[]", "../x"]


class Mutator:
    """A generator of mutated copies."""

    def __init__(self, seed: int, odd: list[Any]) -> None:
        self.random = random.Random(seed)
        self.odd = odd

    def mutate(self, value: Any) -> Any:
        """A copy with one thing wrong, somewhere."""
        if isinstance(value, dict) and value and self.random.random() < 0.8:
            return self._mutate_object(dict(value))
        if isinstance(value, list) and value and self.random.random() < 0.7:
            place = self.random.randrange(len(value))
            return [*value[:place], self.mutate(value[place]), *value[place + 1 :]]
        return self.random.choice(self.odd)

    def _mutate_object(self, value: dict[str, Any]) -> dict[str, Any]:
        key = self.random.choice(list(value))
        match self.random.randrange(4):
            case 0:
                del value[key]
            case 1:
                value[self.random.choice(["self", "scope", "id", key.upper(), key + "\u200b"])] = value[key]
            case _:
                value[key] = self.mutate(value[key])
        return value


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation but those that end the caller's own session."""
    paths = openapi().document["paths"].items()
    rows = [(method.upper(), path, operation) for path, methods in paths for method, operation in methods.items()]
    left_out = {"log_out", "log_out_all", "delete_me", "delete_me_by_post"}  # they end the session
    left_out.add("stream")  # its answer does not end
    return [row for row in rows if row[2]["operationId"] not in left_out]


class Fuzzer:
    """A client that sends mutated requests."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.mutator = Mutator(seed, [*ODD, *ODDER])
        self.random = self.mutator.random
        every = operations()
        self.turns = cycle(self.random.sample(every, len(every)))
        room = world.rooms["private"]
        self.known = {
            **room.paths(world.bob.id),
            **{"session_id": str(uuid4()), "external_id": "crm-1", "key_id": str(uuid4()), "code": "A" * 22},
        }

    def send_request(self, caller: Caller) -> httpx.Response:
        """Send the next request."""
        method, path, body, query = self.request()
        return caller.request(method, path, body, params=query)

    def request(self) -> tuple[str, str, bytes | None, dict[str, str]]:
        """Return the method, path, body and query of a request, one of which may be mutated."""
        method, path, operation = next(self.turns)
        filled = re.sub(r"\{(\w+)\}", lambda match: self._path_value(self.known[match[1]]), path)
        return method, filled, self._mutated_body(operation), self._mutated_query(operation)

    def _path_value(self, good: str) -> str:
        return good if self.random.random() < 0.9 else self.random.choice(["x", "0", str(uuid4()), good.upper(), "%00"])

    def _mutated_query(self, operation: dict[str, Any]) -> dict[str, str]:
        names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
        chosen = [name for name in [*names, "colour"] if self.random.random() < 0.3]
        return {name: self.random.choice(ODD_WORDS) for name in chosen}

    def _mutated_body(self, operation: dict[str, Any]) -> bytes | None:
        content = operation.get("requestBody", {}).get("content")
        if content is None:
            return None
        mutated = self.mutator.mutate(content["application/json"]["example"])
        if isinstance(mutated, dict) and isinstance(mutated.get("wait_ms"), int):
            mutated["wait_ms"] = min(mutated["wait_ms"], 10)  # each empty sync would wait
        return json.dumps(mutated).encode()


@pytest.fixture
def seed() -> int:
    return SEED


def test_mutated_requests_cause_no_server_error(world: World, seed: int) -> None:
    fuzzer = Fuzzer(world, seed)

    for number in range(REQUESTS):
        response = fuzzer.send_request(world.alice)
        assert response.status_code < 500, f"seed {seed}, request {number}: {response.request} {response.text}"


def frames(world: World, seed: int) -> Iterator[dict[str, Any]]:
    """Endless mutated frames; action and request_id are kept, so that each gets a reply of its action."""
    mutator = Mutator(seed, ODD)
    room = world.rooms["private"].paths(world.bob.id)
    messages = asyncapi().document["components"]["messages"]
    examples = [messages[f"{asyncapi().stem(name)}Frame"]["examples"][0]["payload"] for name in asyncapi().actions]
    while True:
        frame = {key: room.get(key, value) for key, value in mutator.random.choice(examples).items()}
        envelope = {"action": frame.pop("action"), "request_id": uuid4().hex}
        frame.pop("request_id", None)
        mutated = mutator.mutate(frame)
        yield {**(mutated if isinstance(mutated, dict) else {}), **envelope}


async def test_mutated_frames_cause_no_server_error(world: World, seed: int) -> None:
    socket = await Socket.open(f"{world.server.ws_url}/v1/ws", token=world.alice.token)
    await socket.hello()

    for number, frame in enumerate(islice(frames(world, seed), FRAMES)):
        await socket.send_json(frame)
        reply = await socket.reply(frame["request_id"])
        assert reply.status < 500, f"seed {seed}, frame {number}: {frame} {reply.frame}"

    replies = [reply_frame["request_id"] for reply_frame in socket.frames if "response_status" in reply_frame]
    assert len(replies) == len(set(replies)) == FRAMES
    await socket.close()


def test_every_mutated_copy_differs_from_the_original() -> None:
    """Two mutators of one seed also return the same copies."""
    good = {"room_id": "r", "items": [{"text": "hi"}], "limit": 5}

    mutated = [Mutator(seed, ODD).mutate(good) for seed in range(200)]

    assert mutated == [Mutator(seed, ODD).mutate(good) for seed in range(200)]
    assert sum(copy == good for copy in mutated) == 0
    assert good == {"room_id": "r", "items": [{"text": "hi"}], "limit": 5}
