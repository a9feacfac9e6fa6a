"""REST, one request at a time in a thread: for what has no action on the socket."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

from parley_client.errors import Refused, offline

SECONDS = 20.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


async def call(url: str, method: str, path: str, body: Any, token: str | None) -> Any:
    """Call `/v1/<path>` and return the body of the answer. Raises Refused."""
    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    request = urllib.request.Request(f"{url}/v1/{path}", data=data, headers=headers, method=method)
    status, answer = await asyncio.to_thread(_open, request)
    if status < 400:
        return json.loads(answer) if answer else None
    try:
        raise Refused.by(json.loads(answer))
    except (ValueError, KeyError, TypeError):  # not of Parley, but of a proxy before it
        raise offline() from None


def _open(request: urllib.request.Request) -> tuple[int, bytes]:
    try:
        with _OPENER.open(request, timeout=SECONDS) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()
    except OSError:
        raise offline() from None
