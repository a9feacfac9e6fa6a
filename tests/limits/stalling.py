"""The server's application with endpoints for the tests that block the event loop, once or again and again."""

import asyncio
import time
from typing import Any

from settings.asgi import application as parley

STALL_SECONDS = 2.0
LATE_SECONDS, BETWEEN_SECONDS = 0.4, 0.05  # each timer is later than LATE_SECONDS of realtime.admission

_late: list[asyncio.Task[None]] = []


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Parley, and GET /_stall, which blocks once, /_late, which blocks until /_on_time."""
    path = scope["path"] if scope["type"] == "http" else ""
    if path not in {"/_stall", "/_late", "/_on_time"}:
        await parley(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})
    if path == "/_stall":
        time.sleep(STALL_SECONDS)  # noqa: ASYNC251  (that is what it is for)
    elif path == "/_late":
        _late.append(asyncio.create_task(_block_forever()))
    else:
        _late.pop().cancel()


async def _block_forever() -> None:
    while True:
        time.sleep(LATE_SECONDS)  # noqa: ASYNC251
        await asyncio.sleep(BETWEEN_SECONDS)
