"""The network address of the client of a request or socket, found behind the proxies that the operator trusts."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from wire.metrics import Counter

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Scope = MutableMapping[str, Any]

IPV6_PREFIX = 64  # a customer of a network gets at least a /64 and may use every address in it (RFC 6177)
ADDRESS_CHARS = 64  # the longest address has 45 characters, and may have a port, brackets and a zone
IGNORED = Counter(
    "parley_forwarded_ignored_total", "Requests with an X-Forwarded-For from a peer that is not in TRUSTED_PROXIES"
)

_KEY = "client_address"
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::[0-9]{1,5})?|([^:\[\]]*):[0-9]{1,5}")


def client_address(source: Scope | HttpRequest | Request) -> str | None:
    """Return the client's address in one spelling: an IPv4 address, or the /64 network of an IPv6 address.

    The address is that of the TCP peer. If the peer is one of TRUSTED_PROXIES, it is the right-most address of
    X-Forwarded-For that is not a trusted proxy itself. The client can write anything to the left of that one.

    None means that no single client has the address, so that no limit may count it as one: a trusted proxy sent no
    X-Forwarded-For or a malformed entry, or the peer has no address (a Unix socket).

    The result is cached in the ASGI scope.
    """
    scope = source if isinstance(source, MutableMapping) else _scope(source)
    if _KEY not in scope:
        scope[_KEY] = _find(scope)
        if forwarding_fault(scope) == "ignored":
            IGNORED.add()
    found: str | None = scope[_KEY]
    return found


def forwarding_fault(source: Scope | HttpRequest | Request) -> str | None:
    """Return why the address of the client is not known by X-Forwarded-For where a proxy is in between, or None.

    `ignored`: the header came from a peer that is not in TRUSTED_PROXIES, so the address is that of the peer; a client
    without a proxy can send the header too. `missing`: a trusted proxy sent none, so there is no address.
    """
    scope = source if isinstance(source, MutableMapping) else _scope(source)
    client = scope.get("client")
    peer = _parse(client[0]) if client else None
    if peer is None:
        return None
    is_forwarded = any(name == b"x-forwarded-for" and value for name, value in scope.get("headers", ()))
    if is_forwarded == _is_in(peer, settings.TRUSTED_PROXIES):
        return None
    return "ignored" if is_forwarded else "missing"


@lru_cache(4096)
def address_behind(peer: str, forwarded: tuple[bytes, ...]) -> str | None:
    """Return the client's address as `client_address` does, by the TCP peer and the values of X-Forwarded-For."""
    return _find({"client": (peer, 0), "headers": [(b"x-forwarded-for", value) for value in forwarded]})


def _scope(request: HttpRequest | Request) -> Scope:
    scope: Scope | None = getattr(request, "scope", None)
    if scope is not None:
        return scope
    # A WSGI request, such as one of Django's test client, has the same two values in META.
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").encode("latin-1", "replace")
    return {"client": (request.META.get("REMOTE_ADDR", ""), 0), "headers": [(b"x-forwarded-for", forwarded)]}


def _find(scope: Scope) -> str | None:
    client = scope.get("client")
    address = _parse(client[0]) if client else None
    trusted: tuple[Network, ...] = settings.TRUSTED_PROXIES
    if address is None or not _is_in(address, trusted):
        return _canonical(address)
    # Several headers of one name form one list, and empty elements of it do not count (RFC 9110, section 5.3).
    values = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"]
    for entry in reversed(",".join(values).split(",")):
        if not (entry := entry.strip()):
            continue
        address = _parse(entry)
        if address is None or not _is_in(address, trusted):
            return _canonical(address)
    return None


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _canonical(address: Address | None) -> str | None:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> IPV6_PREFIX << IPV6_PREFIX, IPV6_PREFIX)))
    return None if address is None else str(address)


def _parse(text: str) -> Address | None:
    return _parse_short(text) if len(text) <= ADDRESS_CHARS else None


@lru_cache(4096)
def _parse_short(text: str) -> Address | None:
    """Parse an address with or without a port and a zone. An IPv4 address mapped into IPv6 becomes the IPv4 address."""
    if found := _WITH_PORT.fullmatch(text):
        text = found[1] or found[2] or ""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
