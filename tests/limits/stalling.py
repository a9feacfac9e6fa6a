"""The server's application with an endpoint for the tests: it blocks the event loop for two seconds."""

import time
from typing import Any

from settings.asgi import application as parley

STALL_SECONDS = 2.0


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Parley, and GET /_stall."""
    if scope["type"] != "http" or scope["path"] != "/_stall":
        await parley(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})
    time.sleep(STALL_SECONDS)  # noqa: ASYNC251  (that is what it is for)
