"""A change of SECRET_KEY on two servers in the three steps of docs/deploy.md: no cursor and no hint is refused

It needs Redis, so it runs beside PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.contracts.world import Caller
from tests.realtime.deployment import Deployment
from tests.sockets import TLS, Socket

OLD, NEW, THEIRS = ("an-old-key-" * 5, "a-new-key-" * 6, "somebody-else-" * 4)
# The key and the fallbacks of the two servers, in the middle of each step, when one of them has been restarted.
STEPS = (((OLD, NEW), (OLD, "")), ((NEW, OLD), (OLD, NEW)), ((NEW, ""), (NEW, OLD)))
FORGED = "was dropped"


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    with Deployment(["daphne", "daphne"]) as deployment:
        yield deployment


@pytest.fixture
def alice(deployment: Deployment) -> Iterator[Caller]:
    alice = Caller(deployment.servers[0], "alice")
    yield alice
    alice.close()


class Pair:
    """Alice on both servers."""

    def __init__(self, deployment: Deployment, alice: Caller) -> None:
        self.servers, self.token = deployment.servers, alice.token
        body = {"kind": "private", "name": "Tea"}
        self.room, _ = (alice.make("/v1/rooms", body)["id"] for _ in range(2))

    def restart(self, *keys: tuple[str, str]) -> None:
        for server, (key, fallbacks) in zip(self.servers, keys, strict=True):
            server.environment |= {"SECRET_KEY": key, "SECRET_KEY_FALLBACKS": fallbacks}
            server.kill()
            server.launch()
        for server in self.servers:
            server.await_answer()

    def request(self, place: int, method: str, path: str, body: object = None) -> httpx.Response:
        with httpx.Client(base_url=self.servers[place].url, verify=TLS, trust_env=False, timeout=20) as http:
            return http.request(method, path, json=body, headers={"Authorization": f"Bearer {self.token}"})

    def cursor(self, place: int) -> str:
        return str(self.request(place, "GET", "/v1/rooms?limit=1").json()["next"])

    def status_of(self, place: int, cursor: str) -> int:
        return self.request(place, "GET", f"/v1/rooms?limit=1&cursor={cursor}").status_code

    async def deliver(self, place: int, client_id: str) -> None:
        """Send on this server, and receive on the other one."""
        socket = await Socket.open(f"{self.servers[1 - place].ws_url}/v1/ws", token=self.token)
        try:
            assert (await socket.call("subscribe", room_id=self.room)).status == 200
            body = {"client_id": client_id, "text": client_id}
            assert self.request(place, "POST", f"/v1/rooms/{self.room}/messages", body).status_code == 201
            assert (await socket.next_event("message.created"))["data"]["text"] == client_id
        finally:
            await socket.close()

    def refused_hints(self) -> list[str]:
        return [server.url for server in self.servers if FORGED in server.log.read_text()]


async def test_no_cursor_and_no_hint_is_refused_while_the_key_changes(deployment: Deployment, alice: Caller) -> None:
    pair = Pair(deployment, alice)
    for number, keys in enumerate(STEPS):
        pair.restart(*keys)
        for place in (0, 1):
            await pair.deliver(place, f"step-{number}-{place}")
            assert [pair.status_of(other, pair.cursor(place)) for other in (0, 1)] == [200, 200], (number, place)
    assert pair.refused_hints() == []

    pair.restart((NEW, ""), (THEIRS, ""))  # a key that nobody announced
    await pair.deliver(0, "repaired-by-the-sweep")

    assert [pair.status_of(other, pair.cursor(0)) for other in (0, 1)] == [200, 400]
    assert pair.servers[1].url in pair.refused_hints()  # the other one refuses announcements of this one too
