"""The users of an app's backend on sockets: minted sessions, keys of bots, and sessions that a fresh JWT extends."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from functools import cache
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.identity.backends import claims, sign
from tests.realtime.deployment import ACROSS_SECONDS, ONCE, Deployment
from tests.servers import ParleyServer
from tests.sockets import Account, Carrier, Socket, rest

pytestmark = ONCE


class LiveBackend:
    """An app's backend of a live server."""

    def __init__(self, here: ParleyServer, http: httpx.AsyncClient, stack: AsyncExitStack, key: str) -> None:
        self.here, self.http, self.stack, self.key = here, http, stack, key

    async def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        return await rest(self.http, self.here, method, path, body, token=self.key)

    def account(self, login: dict[str, Any]) -> Account:
        return Account(self.here, self.http, self.stack, login["token"], login["user"], login["session"])

    async def open_session(self, external_id: str, **body: Any) -> Account:
        assert (await self.call("PUT", f"/v1/admin/users/{external_id}")).is_success
        answer = await self.call("POST", f"/v1/admin/users/{external_id}/sessions", body)
        assert answer.status_code == 201, answer.text
        return self.account(answer.json())

    async def exchange(self, token: str) -> Account:
        answer = await rest(self.http, self.here, "POST", "/v1/auth/exchange", {"token": token})
        assert answer.status_code == 200, answer.text
        return self.account(answer.json())


MAKE_KEYS = """
from accounts.keys import create_key
for name, scope, username in (("The backend", "admin", None), ("Weather", "bot", "weather")):
    made = create_key(name=name, scope=scope, username=username)
    print(made.token, made.key.pk)
"""


@cache
def keys_of(deployment: Deployment) -> list[tuple[str, str]]:
    """The token and the id of an admin's and of a bot's key, made by one process: each takes a second to start."""
    lines = deployment.manage("shell", "--no-imports", "--command", MAKE_KEYS).split()
    return [(lines[0], lines[1]), (lines[2], lines[3])]


@pytest.fixture
def backend(deployment: Deployment, here: ParleyServer, http: httpx.AsyncClient, stack: AsyncExitStack) -> LiveBackend:
    return LiveBackend(here, http, stack, keys_of(deployment)[0][0])


@pytest.fixture
def external_id() -> str:
    return uuid4().hex


async def test_a_minted_session_opens_a_socket(backend: LiveBackend, external_id: str) -> None:
    ada = await backend.open_session(external_id)
    room = await ada.make_room()
    socket = await ada.listen(room)

    await ada.post_message(room, "Hello")

    await socket.until_message("Hello")


async def test_sockets_close_when_the_backend_ends_the_sessions(
    backend: LiveBackend, external_id: str, there: ParleyServer
) -> None:
    ada = await backend.open_session(external_id)
    sockets = [await ada.connect(), await ada.connect(there)]

    await backend.call("DELETE", f"/v1/admin/users/{external_id}/sessions")

    async with asyncio.timeout(ACROSS_SECONDS + 1):
        assert [(await socket.end()).code for socket in sockets] == [4410, 4410]


async def test_sockets_close_when_the_backend_deactivates_the_user(backend: LiveBackend, external_id: str) -> None:
    ada = await backend.open_session(external_id)
    socket = await ada.connect()

    await backend.call("PUT", f"/v1/admin/users/{external_id}", {"is_active": False})

    assert (await socket.end()).code == 4403


async def test_a_fresh_jwt_extends_the_session_of_the_open_socket(backend: LiveBackend, external_id: str) -> None:
    soon, later = int(time.time()) + 40, int(time.time()) + 3_600
    ada = await backend.exchange(sign(claims(external_id, exp=soon)))
    room = await ada.make_room()
    socket = await ada.listen(room)
    await socket.next_event("session.expiring")

    reply = await socket.call("authenticate", token=sign(claims(external_id, exp=later)))

    assert (reply.status, reply.data["session"]["id"]) == (200, ada.session["id"])
    assert reply.data["session"]["expires_at"] > ada.session["expires_at"]
    await ada.post_message(room, "Still here")
    await socket.until_message("Still here")
    listed = (await ada.get("/v1/auth/sessions")).json()["results"]
    assert [row["expires_at"] for row in listed] == [reply.data["session"]["expires_at"]]


async def test_a_socket_whose_jwt_has_ended_closes(backend: LiveBackend, external_id: str) -> None:
    ada = await backend.exchange(sign(claims(external_id, exp=int(time.time()) + 2)))
    socket = await ada.connect()

    assert (await socket.end()).code == 4402


async def test_a_jwt_that_is_refused_leaves_the_socket_open(backend: LiveBackend, external_id: str) -> None:
    ada = await backend.exchange(sign(claims(external_id)))
    socket = await ada.connect()
    await backend.exchange(sign(claims(other := uuid4().hex)))
    tokens = {
        sign(claims(external_id, exp=int(time.time()) - 60)): "auth.invalid_token",
        sign(claims(external_id, aud="another")): "auth.invalid_token",
        sign(claims(other)): "auth.other_user",
        "a.b.c": "auth.invalid_token",
    }

    replies = [await socket.call("authenticate", token=token) for token in tokens]

    assert [reply.refusal[1] for reply in replies] == list(tokens.values())
    await socket.settled()


async def test_a_jwt_alone_opens_no_socket(here: ParleyServer, external_id: str) -> None:
    carriers: list[Carrier] = ["header", "frame"]
    for by in carriers:
        socket = await Socket.open(f"{here.ws_url}/v1/ws", token=sign(claims(external_id)), by=by)

        assert (await socket.end()).code == 4401


async def test_a_bot_has_a_socket_until_its_key_is_revoked(
    backend: LiveBackend, deployment: Deployment, here: ParleyServer
) -> None:
    key, key_id = keys_of(deployment)[1]
    url = f"{here.ws_url}/v1/ws"
    socket = await Socket.open(url, token=key)
    assert (await socket.hello())["user"]["username"] == "weather"
    in_browser = await Socket.open(url, token=key, headers={"Origin": "https://app.example.com"})
    in_frame = await Socket.open(url, token=key, by="frame", headers={"Origin": "https://app.example.com"})
    assert [(await each.end()).code for each in (in_browser, in_frame)] == [4401, 4401]
    await socket.settled()

    await backend.call("DELETE", f"/v1/admin/keys/{key_id}")

    assert (await socket.end()).code == 4410


async def test_an_admin_key_opens_no_socket(backend: LiveBackend, here: ParleyServer) -> None:
    socket = await Socket.open(f"{here.ws_url}/v1/ws", token=backend.key)

    assert (await socket.end()).code == 4401


async def test_many_first_sights_at_once_make_one_user(backend: LiveBackend, external_id: str) -> None:
    tokens = [sign(claims(external_id, name="Ada")) for _ in range(8)]

    accounts = await asyncio.gather(*map(backend.exchange, tokens))

    assert len({account.id for account in accounts}) == 1
    assert len({account.token for account in accounts}) == 8


async def test_many_calls_of_one_key_at_once(backend: LiveBackend, external_id: str) -> None:
    calls = [backend.call("PUT", f"/v1/admin/users/{external_id}", {"display_name": f"Ada {n}"}) for n in range(8)]

    answers = await asyncio.gather(*calls)

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
