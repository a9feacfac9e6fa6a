"""Which consumer answers which websocket path; every one of them behind the token middleware."""

from typing import Any, cast

from channels.routing import URLRouter
from django.urls import path, re_path

from realtime.consumers.chat import ChatConsumer
from realtime.consumers.door import DoorConsumer
from realtime.middleware import TokenMiddleware


async def not_found(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """No socket is spoken here: the handshake is refused with an HTTP 403."""
    await receive()
    await send({"type": "websocket.close"})


routes: list[Any] = [
    path("v1/ws", ChatConsumer.as_asgi()),
    path("ws/chat/<str:slug>/", DoorConsumer.as_asgi()),
    re_path(r"", cast("Any", not_found)),
]
websocket_application = TokenMiddleware(URLRouter(routes))
