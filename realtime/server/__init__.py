"""The server: daphne, bounded in both directions, with finished frames, closes with a reason and a goodbye on SIGTERM.

``serve(application, host=..., port=...)`` runs an ASGI application until SIGTERM or SIGINT. A second signal ends the
process at once.

What an application finds here beyond the ASGI specification, in ``scope["extensions"]["parley"]`` of a websocket
(see ``Extension``):

``write(message) -> bool``
    Sends ``{"type": "websocket.send", "text": ...}`` at once, without await; False when the socket is not open.
    The frame is built once and kept in the message under ``FRAME_KEY``: hand the SAME dict to many sockets.
    It never waits, so look at ``backlog()`` first: past ``Limits.backlog_bytes`` (1 MiB) the connection is aborted.
``try_write(message) -> bool | None``
    The same while nothing waits; None, and nothing is sent, when something does.
``backlog() -> int``
    Bytes that wait in this process for that socket; 0 means that everything is with the operating system.
``drain(low=16_384)``
    A coroutine that returns when ``backlog() <= low``; raises ConnectionError when the socket is gone.
``abort()``
    Drops the TCP connection at once; the application receives ``websocket.disconnect`` with code 1006.
``goodbye``
    The text of the server's own goodbye: ``(code, reason, reconnect, retry_after_ms) -> str | None``. An application
    with another protocol puts its own callable here; one that returns None closes without a push.

A ``websocket.close`` may carry ``close_timeout``: the seconds that the client has to answer the close frame, in place
of ``Limits.close_timeout``. A handshake can be refused with an answer of its own (``websocket.http.response`` of ASGI).

In the scope of an HTTP request there are:

``draining``
    True after SIGTERM, so that a health check can report it.
``stream()``
    Returns ``try_write(bytes)``, ``backlog()``, ``drain(low)`` and ``abort()``, which do the same as above for a body
    of unknown length, whose first part has been sent with ASGI's own messages.

``await send(...)`` waits while more than 64 KiB are pending and raises ConnectionError when the socket is gone.
"""

from __future__ import annotations

from collections.abc import Callable

from realtime.server.frames import FRAME_KEY
from realtime.server.limits import Limits
from realtime.server.types import Application, Extension

__all__ = ["FRAME_KEY", "Application", "Extension", "Limits", "serve"]


def serve(
    application: Application,
    *,
    host: str,
    port: int,
    fd: int | None = None,
    ready: Callable[[], None] | None = None,
    on_drain: Callable[[], None] = lambda: None,
    limits: Limits | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; ``fd`` is a listening socket used in place of host and port; it is closed.

    ``ready`` is called once the socket listens, and ``on_drain`` when it no longer does: requests that wait must be
    answered. Raises OSError when it cannot listen.
    """
    # Twisted takes its reactor, and with it the event loop, at the first import: nothing of it is imported before.
    from realtime.server import reactor

    reactor.install()
    from realtime.server.server import Server

    Server(application, limits or Limits.from_settings()).listen(host, port, fd).run(ready, on_drain)
