"""The log of a live server: JSON lines whatever comes in, with ids and without secrets; traces and errors."""

from __future__ import annotations

import asyncio
import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pytest_django import Settings

from tests.docs.pages import blocks, read
from tests.servers import ROOT, ParleyServer
from tests.services import wait_until
from tests.settings.collector import Collector
from tests.settings.conftest import Join
from tests.settings.crashing_urls import ROW, TOKEN
from wire import access_log
from wire.calls import Call

SECONDS = 30.0
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
SECRET = "the-code-of-an-invitation"
CANARY = "a message that nobody may log"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def parley(collector: Collector) -> Iterator[ParleyServer]:
    env = {
        "DJANGO_SETTINGS_MODULE": "tests.settings.crashing_settings",
        "ACCESS_LOG": "1",
        "LOG_FORMAT": "json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.place}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "SENTRY_DSN": f"http://key@{collector.place}/1",
    }
    with ParleyServer(env=env) as parley:
        yield parley


def records(parley: ParleyServer) -> list[dict[str, Any]]:
    """Every line of the log and of stdout, as JSON: a line that is none fails here."""
    return [json.loads(line) for line in parley.logs.splitlines()]


async def record(parley: ParleyServer, **wanted: Any) -> dict[str, Any]:
    """The first record with these values; wait for it."""

    def find() -> list[dict[str, Any]]:
        # The last line may still be on its way.
        return [each for each in map(json.loads, parley.logs.split("\n")[:-1]) if wanted.items() <= each.items()]

    await asyncio.to_thread(wait_until, lambda: bool(find()), seconds=SECONDS, what=f"no record {wanted}")
    return find()[0]


async def test_a_request_has_its_ids_and_its_route(parley: ParleyServer, join: Join) -> None:
    alice = await join(parley, "alice")
    room = await alice.make_room()
    body = {"client_id": uuid4().hex, "text": CANARY}
    headers = {"Authorization": f"Bearer {alice.token}", "X-Request-ID": "my-own-id"}
    await alice.http.post(f"{parley.url}/v1/rooms/{room['id']}/messages?secret=1", json=body, headers=headers)
    refused = await record(parley, request_id="my-own-id")
    path = f"/v1/rooms/{room['id']}/messages"
    await alice.http.post(parley.url + path, json=body, headers=headers | {"X-Request-ID": "another"})

    found = await record(parley, request_id="another")

    assert refused["status"] == 400
    assert found["status"] == 201
    assert (found["logger"], found["event"], found["method"]) == ("access", "request", "POST")
    assert (found["route"], found["operation"]) == ("/v1/rooms/{room_id}/messages", "send_message")
    assert found["user_id"] == alice.id
    assert {"session_id", "client", "time", "duration_ms"} <= found.keys()


async def test_a_frame_and_its_connection_have_one_connection_id(parley: ParleyServer, join: Join) -> None:
    alice = await join(parley, "alice")
    socket = await alice.connect()
    connection_id = (await socket.hello())["connection_id"]
    await socket.send_json({"action": "ping", "request_id": "one\r\n\u2028two\x1b[31m"})
    await socket.settled()
    await socket.close()

    frame = await record(parley, event="frame", connection_id=connection_id)
    closed = await record(parley, event="connection", connection_id=connection_id)

    assert (frame["operation"], frame["status"], frame["user_id"]) == ("ping", 200, alice.id)
    assert closed["status"] == 1000
    assert closed["user_id"] == alice.id


async def test_whatever_comes_in_each_record_is_one_line(parley: ParleyServer) -> None:
    async with httpx.AsyncClient() as http:
        for path in ("/v1/%0d%0a%7b%22level%22:1%7d", "/v1/%e2%80%a8%c2%85", "/%7f%00?token=" + TOKEN, "/crash/%0a"):
            await http.get(parley.url + path, headers={b"X-Request-ID": 'a"b\u2028'.encode()})
    reader, writer = await asyncio.open_connection("127.0.0.1", parley.port)
    writer.write(b"GE\x1bT /livez\x0b HTTP/1.1\r\nHost: x\x85y\r\nX-Request-ID: \x1b[2J\r\nConnection: close\r\n\r\n")
    await reader.read()
    writer.close()
    await record(parley, event="request", status=400)

    logged = parley.logs

    assert all(isinstance(each["event"], str) for each in records(parley))
    assert logged.isascii()
    assert TOKEN not in logged


async def test_an_unexpected_error_is_one_record_without_secrets(parley: ParleyServer, collector: Collector) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{parley.url}/crash/{SECRET}", headers={"traceparent": TRACEPARENT})

    found = await record(parley, level="error", logger="django.request", trace_id=TRACE)
    access = await record(parley, event="request", route="/crash/{code}", trace_id=TRACE)
    await asyncio.to_thread(
        wait_until, lambda: bool(collector.bodies("/envelope/")), seconds=SECONDS, what="no report to Sentry"
    )
    reported = b"\n".join(collector.bodies("/envelope/")).decode()

    assert (answer.status_code, access["status"]) == (500, 500)
    assert found["request_id"] == access["request_id"] == answer.headers["X-Request-ID"]
    assert found["exception"].startswith("Traceback")
    assert "RuntimeError" in found["exception"]
    for each in (parley.logs, reported):
        assert not [secret for secret in (TOKEN, ROW, SECRET) if secret in each]
    assert f'"request_id":"{answer.headers["X-Request-ID"]}"' in reported.replace('": "', '":"')
    assert "crashing_urls" in reported


async def test_a_trace_is_taken_answered_and_exported(parley: ParleyServer, collector: Collector, join: Join) -> None:
    alice = await join(parley, "alice")
    answer = await alice.http.get(
        f"{parley.url}/v1/me", headers={"Authorization": f"Bearer {alice.token}", "traceparent": TRACEPARENT}
    )
    _, trace_id, span_id, flags = answer.headers["traceparent"].split("-")

    def spans() -> dict[str, Any]:
        posted = map(ExportTraceServiceRequest.FromString, collector.bodies("/v1/traces"))
        found = [
            span for one in posted for group in one.resource_spans for each in group.scope_spans for span in each.spans
        ]
        return {span.span_id.hex(): span for span in found}

    await asyncio.to_thread(wait_until, lambda: span_id in spans(), seconds=SECONDS, what="no span")
    span = spans()[span_id]

    assert (trace_id, flags) == (TRACE, "01")
    assert (await record(parley, span_id=span_id))["operation"] == "get_me"
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("get_me", TRACE, TRACEPARENT.split("-")[2])


async def test_no_text_token_or_probe_is_in_the_log(parley: ParleyServer, join: Join) -> None:
    alice = await join(parley, "alice")
    room = await alice.make_room()
    socket = await alice.listen(room)
    await alice.post_message(room, CANARY)
    await socket.until_message(CANARY)
    await socket.call("edit_message", room_id=room["id"], message_id="no id", text=CANARY)
    parley.ready()
    last = await alice.get("/v1/me")
    await record(parley, request_id=last.headers["X-Request-ID"])

    assert not [secret for secret in (alice.token, CANARY, "correct horse", "/readyz") if secret in parley.logs]


def test_the_record_of_the_documents_has_the_form_of_a_real_one() -> None:
    [shown] = blocks(read("docs/metrics.md"), "json access")

    assert {"time", "level", "logger", "event", "request_id", "session_id", "user_id", "route", "status"} <= set(
        json.loads(shown)
    )


def test_a_reader_that_has_stopped_costs_lines_and_no_memory(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    class Full:
        def write(self, _: str) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("wire.access_log._start_writer", lambda: None)
    monkeypatch.setattr("wire.access_log.MAX_LINES", 3)
    monkeypatch.setattr("sys.stderr", Full())
    settings.ACCESS_LOG = True
    before = access_log.DROPPED.value

    for _ in range(5):
        Call("rest").end()
    beyond = access_log.DROPPED.value - before
    access_log.flush()

    assert (beyond, access_log.DROPPED.value - before) == (2, 5)


def test_without_an_access_log_no_line_is_queued(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    queued: list[object] = []
    monkeypatch.setattr("wire.access_log.write", queued.append)

    for settings.ACCESS_LOG in (False, True):
        Call("socket").end()

    assert len(queued) == 1


def test_the_extras_are_not_imported_without_their_variables() -> None:
    extras = ("opentelemetry.exporter", "sentry_sdk")
    code = f"import settings.asgi, sys; print([name for name in sys.modules if name.startswith({extras})])"

    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"
