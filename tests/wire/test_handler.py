"""HTTP as a server hands it over: each request on a thread of its own."""

import asyncio
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx
import pytest
from pytest_django import Settings

from wire.handler import Handler


def client(apart: Collection[str] = ()) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Handler(apart)), base_url="http://localhost")


async def test_it_works() -> None:
    async with client() as http:
        answer = await http.get("/livez", headers={"X-Request-ID": "one"})

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["X-Request-ID"] == "one"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_request_that_waits_holds_no_other_back(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.wire.waiting_urls"

    async with client() as http:
        answers = await asyncio.gather(http.post("/meet", content=b"alice"), http.post("/meet", content=b"bob"))

    assert [answer.content for answer in answers] == [b"alice", b"bob"]


async def test_a_path_apart_is_answered_while_every_thread_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the database is frozen: the process lives, and a probe must not have it restarted."""
    let_go = Event()
    with ThreadPoolExecutor(1) as threads:
        monkeypatch.setattr("wire.handler._threads", threads)
        threads.submit(let_go.wait)
        try:
            async with client({"/livez"}) as http:
                answer = await http.get("/livez")
        finally:
            let_go.set()

    assert answer.status_code == 200


async def test_an_address_that_is_not_served_is_a_problem() -> None:
    async with client() as http:
        answer = await http.get("/nothing")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
