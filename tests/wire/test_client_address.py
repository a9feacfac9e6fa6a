"""The client's address: that of the TCP peer, or the one that a trusted proxy has written into X-Forwarded-For."""

from typing import Any

import pytest
from django.test import AsyncRequestFactory, RequestFactory
from pytest_django import Settings
from rest_framework.request import Request

from settings import env
from wire.client_address import IGNORED, client_address, forwarding_fault

PROXY = "10.0.0.2"


@pytest.fixture(autouse=True)
def _trusted(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/24, fd00::/8")
    settings.TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES", [])


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"host", b"a"), *((b"x-forwarded-for", value.encode("latin-1")) for value in forwarded)]
    return {"type": "websocket", "client": None if peer is None else [peer, 5123], "headers": headers}


def test_it_works() -> None:
    assert client_address(scope("203.0.113.9")) == "203.0.113.9"
    assert client_address(scope(PROXY, "203.0.113.9")) == "203.0.113.9"


def test_a_forged_forwarded_header_does_not_change_the_address() -> None:
    assert client_address(scope("203.0.113.9", "198.51.100.1")) == "203.0.113.9"
    assert client_address(scope(PROXY, "198.51.100.1, 203.0.113.9")) == "203.0.113.9"
    assert client_address(scope(PROXY, "198.51.100.1", "203.0.113.9")) == "203.0.113.9"
    assert client_address(scope(PROXY, "10.0.0.9, 203.0.113.9")) == "203.0.113.9"


def test_a_forwarded_header_with_an_underscore_is_ignored() -> None:
    forged = scope(PROXY) | {"headers": [(b"x_forwarded_for", b"198.51.100.1")]}

    assert client_address(forged) is None


def test_a_chain_of_trusted_proxies_is_skipped() -> None:
    assert client_address(scope(PROXY, "198.51.100.1, 203.0.113.9, 10.0.0.3, fd00::1")) == "203.0.113.9"


@pytest.mark.parametrize("forwarded", [(), ("",), (" , ,",), ("10.0.0.3",), ("unknown",), ("203.0.113.9, garbage",)])
def test_a_proxy_that_names_no_client_gives_no_address(forwarded: tuple[str, ...]) -> None:
    assert client_address(scope(PROXY, *forwarded)) is None


def test_a_peer_on_a_unix_socket_has_no_address() -> None:
    assert client_address(scope(None)) is None
    assert client_address(scope("", "203.0.113.9")) is None


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("203.0.113.9:5123", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
        ("2001:DB8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("[2001:db8:0:1::5]:443", "2001:db8:0:1::/64"),
        ("[2001:db8:0:1::5]", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::5", "2001:db8:0:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("203.0.113.9,", "203.0.113.9"),
        ("203.0.113.9:", None),
        ("203.0.113.009", None),
        ("[2001:db8::5", None),
        ("3405803785", None),
        ("\xa0203.0.113.9\xff", None),
        ("1" * 10_000, None),
    ],
)
def test_all_spellings_of_an_address_are_equal(entry: str, address: str | None) -> None:
    assert client_address(scope(PROXY, entry)) == address


def test_the_addresses_of_peers_are_normalized() -> None:
    assert client_address(scope("::ffff:203.0.113.9")) == "203.0.113.9"
    assert client_address(scope("2001:db8:0:1::5")) == client_address(scope("2001:db8:0:1::6")) == "2001:db8:0:1::/64"
    assert client_address(scope(f"::ffff:{PROXY}", "203.0.113.9")) == "203.0.113.9"


def test_requests_and_sockets_have_the_same_address() -> None:
    asgi = AsyncRequestFactory().get("/", headers={"X-Forwarded-For": "203.0.113.9"})
    asgi.scope = {**asgi.scope, "client": (PROXY, 0)}
    wsgi = RequestFactory().get("/", headers={"X-Forwarded-For": "203.0.113.9"}, REMOTE_ADDR=PROXY)

    assert client_address(asgi) == client_address(Request(asgi)) == client_address(wsgi) == "203.0.113.9"


def test_the_address_is_cached_in_the_scope(settings: Settings) -> None:
    connection = scope(PROXY, "203.0.113.9")
    client_address(connection)
    settings.TRUSTED_PROXIES = ()

    assert client_address(connection) == "203.0.113.9"


@pytest.mark.parametrize(
    ("peer", "forwarded", "fault"),
    [
        ("203.0.113.9", (), None),
        ("203.0.113.9", ("198.51.100.1",), "ignored"),
        (PROXY, ("198.51.100.1",), None),
        (PROXY, (), "missing"),
        (None, ("198.51.100.1",), None),
    ],
)
def test_an_ignored_forwarded_header_is_counted_once(
    peer: str | None, forwarded: tuple[str, ...], fault: str | None
) -> None:
    before, connection = IGNORED.value, scope(peer, *forwarded)

    client_address(connection)
    client_address(connection)

    assert forwarding_fault(connection) == fault
    assert IGNORED.value - before == (fault == "ignored")
