"""The server's application with an endpoint for the tests: the objects that one process holds for its sockets."""

import asyncio
import json
from typing import Any

from realtime.process import get_hub
from settings.asgi import application as parley


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Parley, and GET /_held."""
    if scope["type"] != "http" or scope["path"] != "/_held":
        await parley(scope, receive, send)
        return
    body = json.dumps(_held()).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _held() -> dict[str, int]:
    hub = get_hub()
    return {
        "waiters": sum(map(len, hub.waiters.of_session.values())),
        "sockets": sum(map(len, hub.sessions.sockets.values())),
        "subscriptions": sum(len(feed.subscriptions) for feed in hub.feeds.values()),
        "tasks": len(asyncio.all_tasks()),
    }
