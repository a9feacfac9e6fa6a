"""The doctor's examination of the running server, as a client meets it: its probe, its host name, its sockets."""

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import time
from urllib.parse import urlsplit

from django.conf import settings

from realtime.doctor.findings import Finding, Level

SECONDS = 10.0
CLOCK_SECONDS = 20.0  # beyond the second of a Date header, and a slow network


def examine_server(url: str | None) -> Iterator[Finding]:
    """Examine the server at this URL, through the proxy if that is what answers there.

    Without a URL it is the one on this machine, which need not run: then nothing answers, and that is a warning.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)
    place = url or f"http://{f'[{host}]' if ':' in host else host}:{settings.PORT}"
    try:
        status, headers, body = _get(place, "/readyz")
    except (OSError, HTTPException, ValueError) as error:
        level = Level.ERROR if url else Level.WARNING
        remedy = "Start it, or check the proxy and its certificate." if url else "Give the address of clients by --url."
        yield Finding("server.unreachable", level, f"Nothing answers at {place}: {error}.", remedy)
        return
    yield from _examine_readiness(place, status, body)
    if url:
        yield from _examine_proxy(url, headers)


def _examine_readiness(place: str, status: int, body: bytes) -> Iterator[Finding]:
    try:
        ready = json.loads(body)
        parts = ready.get("parts", {}).items()
    except (ValueError, AttributeError):
        text = f"{place}/readyz is answered by something else than Parley, with {status}."
        yield Finding("server.foreign", Level.ERROR, text, "Check the port and the rules of the proxy.")
        return
    if status != 200:
        text = f"The server is not ready: {ready.get('reason', status)}."
        yield Finding("server.not_ready", Level.ERROR, text, "See the findings of that part.")
        return
    degraded = [name for name, state in parts if state == "degraded"]
    if "disk" in degraded:
        text = "A write failed within the last minute because the disk was full."
        remedy = "Make room on the volume of the database; the log of the server has the cause."
        yield Finding("server.disk", Level.ERROR, text, remedy)
    if others := [name for name in degraded if name != "disk"]:
        text = f"The server works without {', '.join(others)}."
        yield Finding("server.degraded", Level.WARNING, text, "See the findings of that part.")


def _examine_proxy(url: str, headers: dict[str, str]) -> Iterator[Finding]:
    is_tls = urlsplit(url).scheme == "https"
    if is_tls != settings.HTTPS:
        text = f"{url} {'is' if is_tls else 'is not'} TLS, and HTTPS is {settings.HTTPS:d}."
        yield Finding("proxy.https", Level.ERROR, text, f"Set HTTPS={is_tls:d}, or give another URL.")
    status, _, _ = _get(url, "/v1/me")
    if status == 400:
        text = f"The server refuses the host name {urlsplit(url).hostname}."
        yield Finding("proxy.host", Level.ERROR, text, "Add it to ALLOWED_HOSTS; the proxy must pass Host on.")
    elif (upgraded := _upgrade(url)) != 101:
        text = f"A websocket is answered with {upgraded} instead of 101."
        yield Finding("proxy.upgrade", Level.ERROR, text, "Let the proxy pass Upgrade and Connection on.")
    forwarded = headers.get("parley-forwarded-for")
    if forwarded == "ignored":
        text = "X-Forwarded-For is ignored: the proxy's address is not in TRUSTED_PROXIES, all clients count as one."
        yield Finding("proxy.forwarded", Level.WARNING, text, "Add the address of the proxy to TRUSTED_PROXIES.")
    elif forwarded == "missing":
        text = "A proxy of TRUSTED_PROXIES sends no X-Forwarded-For: limits by address do not hold for its clients."
        remedy = "Let the proxy write it; if these are clients and no proxy, take them out of TRUSTED_PROXIES."
        yield Finding("proxy.forwarded", Level.WARNING, text, remedy)
    if (theirs := headers.get("date")) and abs(parsedate_to_datetime(theirs).timestamp() - time()) > CLOCK_SECONDS:
        text = f"The clock of {url} is not that of this machine."
        yield Finding("clock.server", Level.WARNING, text, "Run NTP on both machines.")


def _get(url: str, path: str) -> tuple[int, dict[str, str], bytes]:
    with closing(_connect(url)) as connection:
        connection.request("GET", path, headers={"Accept": "application/json"})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, response.read(65_536)


def _upgrade(url: str) -> int:
    """Open a websocket without a token, and return the status of the answer."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Protocol": "chat.v1",
    }
    with closing(_connect(url)) as connection:
        connection.request("GET", "/v1/ws", headers=headers)
        return connection.getresponse().status


def _connect(url: str) -> HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the URL is not of the form https://chat.example.com")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return kind(parts.hostname, parts.port, timeout=SECONDS)
