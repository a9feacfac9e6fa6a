"""The HTTP handler: each request runs on one of many threads."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Collection, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import UUID

import httpx
import pytest
from pytest_django import Settings

from wire.handler import Handler


def client(isolated: Collection[str] = ()) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Handler(isolated)), base_url="http://localhost")


async def test_it_works() -> None:
    async with client() as http:
        answer = await http.get("/livez", headers={"X-Request-ID": "one"})

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["X-Request-ID"] == "one"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_waiting_request_does_not_block_another(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.wire.waiting_urls"

    async with client() as http:
        answers = await asyncio.gather(http.post("/meet", content=b"alice"), http.post("/meet", content=b"bob"))

    assert [answer.content for answer in answers] == [b"alice", b"bob"]


async def test_an_isolated_path_is_answered_while_every_thread_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database may be frozen; a probe must not restart the process then."""
    release = Event()
    with ThreadPoolExecutor(1) as threads:
        monkeypatch.setattr("wire.handler._threads", threads)
        threads.submit(release.wait)
        try:
            async with client({"/livez"}) as http:
                answer = await http.get("/livez")
        finally:
            release.set()

    assert answer.status_code == 200


async def test_an_unknown_path_is_a_problem_in_the_handler() -> None:
    async with client() as http:
        answer = await http.get("/nothing")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_query_that_is_not_utf8_is_a_problem() -> None:
    async def with_raw_query(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        await Handler()({**scope, "query_string": b"a=\xff"}, receive, send)  # httpx cannot send these bytes

    async with httpx.AsyncClient(transport=httpx.ASGITransport(with_raw_query), base_url="http://localhost") as http:
        answer = await http.get("/livez", headers={"X-Request-ID": "one"})
        unnamed = await http.get("/livez", headers={"X-Request-ID": "no word"})

    assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"] == "one"
    assert UUID(unnamed.headers["X-Request-ID"])


async def test_a_page_of_another_origin_can_read_the_problem_of_a_query(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]

    async def with_raw_query(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        await Handler()({**scope, "query_string": b"a=\xff"}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(with_raw_query), base_url="http://localhost") as http:
        answer = await http.get("/livez", headers={"Origin": "https://app.example.com"})

    assert answer.status_code == 400
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"


def test_the_application_can_be_imported_without_settings_in_the_environment() -> None:
    """settings.asgi sets DJANGO_SETTINGS_MODULE before it imports a module that reads the settings."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}

    subprocess.run(
        [sys.executable, "-c", "import settings.asgi"], env={**environment, "SECRET_KEY": "s" * 64}, check=True
    )
