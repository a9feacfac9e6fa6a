"""The types of ASGI, and of this server's extension."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol, TypedDict

from realtime.server.limits import Limits

# ASGI's messages are open dictionaries by specification.
Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Drain(Protocol):
    async def __call__(self, low: int = ...) -> None: ...


class ServerState(Protocol):
    """The part of the server that its connections use."""

    limits: Limits
    loop: asyncio.AbstractEventLoop
    now: Callable[[], float]
    transports: set[Any]
    ws_factory: Any
    draining: bool
    draining_since: float

    def over_cap(self) -> int: ...

    def protocol_disconnected(self, protocol: Any) -> None: ...

    async def handle_reply(self, protocol: Any, message: Message) -> None: ...


class Extension(TypedDict):
    """``scope["extensions"]["parley"]`` of a websocket; the package's docstring documents each."""

    write: Callable[[Message], bool]
    try_write: Callable[[Message], bool | None]
    backlog: Callable[[], int]
    drain: Drain
    abort: Callable[[], None]
    goodbye: Callable[[int, str, bool, int | None], str | None]


class Stream(TypedDict):
    """The result of ``scope["extensions"]["parley"]["stream"]()`` of an HTTP request; the package documents each."""

    try_write: Callable[[bytes], bool | None]
    backlog: Callable[[], int]
    drain: Drain
    abort: Callable[[], None]
