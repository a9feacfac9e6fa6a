"""The web origins that may call, in any spelling, and the log lines about others."""

import logging
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.clients import Person
from wire import origins
from wire.origins import is_allowed, is_own


@pytest.fixture(autouse=True)
def _a_public_server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LOOPBACK_ONLY = False
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com", "http://app.example.com:8080", "ionic://localhost"]
    settings.ALLOWED_HOSTS = ["chat.example.com", "[::1]"]
    monkeypatch.setattr(origins, "_logged", {})


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "https://app.example.com:443",
        "HTTPS://App.Example.COM",
        "https://app.example.com.",
        "https://app.example.com.:443",
        "http://app.example.com:8080",
        "ionic://localhost",
    ],
)
def test_an_origin_is_allowed_in_every_spelling(origin: str) -> None:
    assert is_allowed(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "http://app.example.com",
        "https://app.example.com:80",
        "https://app.example.com:8080",
        "https://app.example.com.evil.example",
        "https://evil.example",
        "ionic://other",
        "null",
        "file://",
        "",
        "https://",
        "https://[::1",
        "https://app.example.com:port",
        "https://app.example.com/path",
        "https://user@app.example.com",
        "http://localhost:5173",
    ],
)
def test_an_origin_that_is_not_listed_is_rejected(origin: str) -> None:
    assert not is_allowed(origin)


@pytest.mark.parametrize("origin", ["null", "file://", "app://", "capacitor://localhost", "tauri://localhost"])
def test_the_origin_of_an_app_can_be_allowed(settings: Settings, origin: str) -> None:
    settings.CORS_ALLOWED_ORIGINS = [origin]

    assert is_allowed(origin)
    assert is_allowed(origin.upper())
    assert not is_allowed("tauri://evil")


@pytest.mark.parametrize(
    "origin",
    ["http://localhost", "http://localhost:5173", "http://127.0.0.1:3000", "http://10.0.2.2", "http://10.0.2.2:8100"],
)
def test_a_page_of_this_machine_may_call_a_loopback_server(settings: Settings, origin: str) -> None:
    assert not is_allowed(origin)

    settings.LOOPBACK_ONLY = True

    assert is_allowed(origin)
    assert not is_allowed(origin.replace("http://", "http://evil."))
    assert not is_allowed(f"{origin}.evil.example")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://chat.example.com", "chat.example.com"),
        ("https://chat.example.com", "chat.example.com:443"),
        ("https://chat.example.com:443", "chat.example.com"),
        ("http://chat.example.com", "chat.example.com:80"),
        ("https://Chat.Example.com", "CHAT.example.com."),
        ("http://chat.example.com:8000", "chat.example.com:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_the_servers_own_origin_is_recognised_in_every_spelling(origin: str, host: str) -> None:
    assert is_own(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://chat.example.com", "chat.example.com:80"),
        ("http://chat.example.com:8000", "chat.example.com"),
        ("http://evil.example", "evil.example"),
        ("http://chat.example.com", ""),
        ("app://chat.example.com", "chat.example.com"),
        ("null", "chat.example.com"),
        ("http://chat.example.com:port", "chat.example.com:port"),
    ],
)
def test_another_origin_is_not_the_servers_own(origin: str, host: str) -> None:
    assert not is_own(origin, host)


def call(person: Person, origin: str, **headers: str) -> Any:
    return person.request("GET", "/v1/me", headers={"Origin": origin, "Host": "chat.example.com", **headers})


def test_an_allowed_page_gets_cors_headers(alice: Person) -> None:
    response = call(alice, "https://APP.example.com:443")

    assert response["Access-Control-Allow-Origin"] == "https://APP.example.com:443"
    assert "Access-Control-Allow-Origin" not in call(alice, "https://evil.example")


@pytest.mark.parametrize("name", ["traceparent", "tracestate", "baggage", "sentry-trace", "authorization"])
def test_a_page_may_send_tracing_headers(client: Client, name: str) -> None:
    requested = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": name}

    response = client.options("/v1/sync", headers={"Origin": "https://app.example.com", **requested})

    assert name in response["Access-Control-Allow-Headers"].split(", ")


def test_a_rejected_origin_is_logged_once(alice: Person, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            call(alice, "https://evil.example")
        call(alice, "https://app.example.com")
        call(alice, "https://chat.example.com")

    [record] = caplog.records
    assert "'https://evil.example'" in record.getMessage()
    assert "CORS_ALLOWED_ORIGINS" in record.getMessage()


def test_many_rejected_origins_do_not_fill_the_log(alice: Person, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(30):
        call(alice, f"https://evil{number}.example\u00e9" + "x" * 300)

    assert len(caplog.records) == origins.MAX_LOGGED
    assert all(len(record.getMessage()) < 300 and record.getMessage().isascii() for record in caplog.records)
