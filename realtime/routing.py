"""The consumer of each websocket path, behind the token middleware."""

from typing import Any, cast

from channels.routing import URLRouter
from django.urls import path, re_path
from uuid_utils.compat import uuid7

from realtime.consumers.chat import ChatConsumer
from realtime.consumers.room_socket import RoomSocketConsumer
from realtime.middleware import TokenMiddleware
from wire.asgi import render_problem
from wire.problems import Problem

CHAT = "/v1/ws"


async def not_found(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Refuse the handshake of an unknown path with a 403, or with a 404 if only its last slash is wrong."""
    await receive()
    path: str = scope["path"]
    other = path[:-1] if path.endswith("/") else f"{path}/"
    if "websocket.http.response" not in scope.get("extensions", {}) or not _is_socket(other):
        await send({"type": "websocket.close"})
        return
    headers = dict(scope["headers"])
    problem = Problem("not_found", f"No websocket is at this path; the right one is {other}.")
    head, body = render_problem(problem, str(uuid7()), headers.get(b"origin", b"").decode("latin-1"))
    await send({"type": "websocket.http.response.start", "status": problem.status, "headers": head})
    await send({"type": "websocket.http.response.body", "body": body})


def _is_socket(path: str) -> bool:
    return any(route.pattern.match(path.removeprefix("/")) for route in sockets)


sockets: list[Any] = [
    path(CHAT.removeprefix("/"), ChatConsumer.as_asgi()),
    path("ws/chat/<str:slug>/", RoomSocketConsumer.as_asgi()),
]
routes = [*sockets, re_path(r"", cast("Any", not_found))]
_router = URLRouter(routes)


async def route(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Call the consumer of a path; nearly all sockets have that of the chat, which needs no search and no arguments."""
    if scope["path"] == CHAT and not scope.get("root_path"):
        await ChatConsumer()(scope, receive, send)
    else:
        await _router(scope, receive, send)


websocket_application = TokenMiddleware(route)
