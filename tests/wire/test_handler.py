"""HTTP as a server hands it over: each request on a thread of its own."""

import asyncio

import httpx
from pytest_django import Settings

from wire.handler import Handler


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Handler()), base_url="http://localhost")


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


async def test_an_address_that_is_not_served_is_a_problem() -> None:
    async with client() as http:
        answer = await http.get("/nothing")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
