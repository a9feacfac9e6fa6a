"""The server itself: it listens, runs one application task per request or socket, and ends in order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from random import randrange
from typing import Any, Self, cast

from daphne import server as daphne
from twisted.internet import reactor as installed_reactor
from twisted.logger import LogEvent, globalLogBeginner

from realtime.server import frames
from realtime.server.limits import Limits
from realtime.server.receive_queue import ReceiveQueue
from realtime.server.requests import HttpChannel, HttpFactory, WebRequest
from realtime.server.sockets import WebSocketFactory, WebSocketProtocol
from realtime.server.transport import LISTEN_BACKLOG, Disconnected, Port, Transport
from realtime.server.types import Application, Scope
from wire import descriptors

reactor: Any = installed_reactor  # the asyncio one, which its interface does not know
logger = logging.getLogger(__name__)

RECONNECTS_PER_SECOND = 400  # the rate at which the clients of a restarted server reconnect
SHORTEST_SPREAD_MS = 1000
DRAIN_POLL = 0.05
WARN_SECONDS = 10.0  # between two log lines about refused clients
ECHO_SECONDS = 0.5  # one Ctrl-C may come twice: from the terminal and from a parent that passes it on

Connection = WebRequest | WebSocketProtocol


class Server(daphne.Server):
    """daphne's server; one timer checks all connections."""

    def __init__(self, application: Application, limits: Limits) -> None:
        super().__init__(application, endpoints=["ours"], server_name="")
        self.limits = limits
        self.loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop
        self.now: Callable[[], float] = self.loop.time
        self.connections: dict[Connection, dict[str, Any]] = {}
        self.transports: set[Transport] = set()
        self.http_factory = HttpFactory(self)
        self.ws_factory = WebSocketFactory(self)
        self.draining = False
        self.warned_of_cap = -WARN_SECONDS
        descriptors.count_connections = lambda: (len(self.transports), limits.connections)
        self.draining_since = 0.0

    def listen(self, host: str, port: int, fd: int | None) -> Self:
        """Bind now, so that an address in use is an OSError of the caller and not a line in a log.

        `fd` is the server's from now on: while any copy of it is open the kernel accepts connections for it.
        """
        if fd is not None:
            listener = socket.socket(fileno=fd)
        else:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host.strip("[]"), port), family=family, backlog=LISTEN_BACKLOG)
        with listener:
            listener.setblocking(False)
            self.port = Port.of(reactor, listener, self.http_factory)
        return self

    def run(self, ready: Callable[[], None] | None, on_drain: Callable[[], None]) -> None:
        self.on_drain = on_drain
        globalLogBeginner.beginLoggingTo([cast(Any, _log_failure)], redirectStandardIO=False, discardBuffer=True)
        asyncio.set_event_loop(self.loop)
        self.port.startListening()
        self.loop.call_soon(self._started, ready)
        reactor.run(installSignalHandlers=False)

    def _started(self, ready: Callable[[], None] | None) -> None:
        # Only now: uvloop loses a signal that comes between its handler's installation and the start of the loop.
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self.drain)
        self._tick()
        if ready:
            ready()

    def over_cap(self) -> int:
        """The number of connections above the cap."""
        over = len(self.transports) - self.limits.connections
        if over > 0 and self.now() - self.warned_of_cap >= WARN_SECONDS:
            self.warned_of_cap = self.now()
            logger.warning(
                "New clients are refused: %d connections are open, as many as %d file descriptors allow",
                self.limits.connections,
                descriptors.limit(),
            )
        return over

    # Applications

    def create_application(self, protocol: Connection, scope: Scope) -> ReceiveQueue | asyncio.Queue[Any] | None:
        if protocol not in self.connections:
            return None
        queue: ReceiveQueue | asyncio.Queue[Any]
        if isinstance(protocol, WebSocketProtocol):
            protocol.extend(scope)
            queue = protocol.receive_queue
        else:
            scope["asgi"] = {"version": "3.0"}
            scope["extensions"] = {"parley": {"draining": self.draining, "stream": protocol.stream}}
            queue = asyncio.Queue()
        task = asyncio.ensure_future(self.application(scope, queue.get, protocol.send), loop=self.loop)
        self.connections[protocol]["application_instance"] = task
        task.add_done_callback(partial(self._application_ended, protocol))
        return queue

    def _application_ended(self, protocol: Connection, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, Disconnected):
            logger.error("Exception inside application: %s", error, exc_info=error)
        protocol.application_ended(error)
        self._forget(protocol)

    def protocol_disconnected(self, protocol: Connection) -> None:
        if protocol in self.connections:
            self.connections[protocol].setdefault("disconnected", self.now())
            self._forget(protocol)

    def _forget(self, protocol: Connection) -> None:
        details = self.connections.get(protocol, {})
        task = details.get("application_instance")
        if "disconnected" in details and (task is None or task.done()):
            del self.connections[protocol]

    # The one timer

    def _tick(self) -> None:
        self.loop.call_later(self.limits.tick, self._tick)
        now = self.now()
        for transport in list(self.transports):
            transport.protocol.tick(now, transport.stalled_for(now))
        for protocol, details in self.connections.items():
            if now - details.get("disconnected", now) > self.limits.cancel:
                self._cancel(protocol)

    def _cancel(self, protocol: Connection) -> None:
        task = self.connections[protocol].get("application_instance")
        if task is not None and not task.done() and not task.cancelling():
            logger.warning("The application of %r did not end in time and is cancelled.", protocol)
            task.cancel()

    # The end

    def drain(self) -> None:
        """Handle SIGTERM: become not ready, accept no more, send goodbyes, answer open requests, and end.

        A second signal ends at once.
        """
        if self.draining:
            if self.now() - self.draining_since > ECHO_SECONDS:
                os._exit(1)
            return
        self.draining = True
        self.draining_since = self.now()
        self._set_watchdog()
        # A proxy sends requests here until its next health check, and cannot repeat each of those that are refused.
        self.loop.call_later(self.limits.notice, self._close)

    def _close(self) -> None:
        self.port.close()
        self.on_drain()
        sockets = [each.protocol for each in self.transports if isinstance(each.protocol, WebSocketProtocol)]
        spread = max(SHORTEST_SPREAD_MS, len(sockets) * 1000 // RECONNECTS_PER_SECOND)
        for websocket in sockets:
            websocket.close_with(frames.RESTART, self.limits.short_close_timeout, retry_after_ms=randrange(spread + 1))
        self._await_drained(self.now() + self.limits.drain)

    def _set_watchdog(self) -> None:
        # A thread: it also ends a loop that is stuck, and an exit that waits for a database call in another thread.
        watchdog = threading.Timer(self.limits.notice + self.limits.exit, os._exit, (0,))
        watchdog.daemon = True
        watchdog.start()

    def _await_drained(self, deadline: float) -> None:
        now = self.now()
        channels = [each.protocol for each in self.transports if isinstance(each.protocol, HttpChannel)]
        for channel in channels:
            channel.close_when_idle(now)
        if self.transports or self.connections:
            if now < deadline:
                self.loop.call_later(DRAIN_POLL, self._await_drained, deadline)
                return
            for channel in channels:
                channel.refuse_unfinished()
            for protocol in self.connections:
                self._cancel(protocol)
        # One more turn of the loop for the cancelled tasks.
        self.loop.call_later(DRAIN_POLL, self.stop)


def _log_failure(event: LogEvent) -> None:
    """Log the exceptions of Twisted and autobahn, and nothing else that they report."""
    failure = event.get("log_failure")
    if failure is not None:
        logger.error(
            "Exception inside the server", exc_info=(failure.type, failure.value, failure.getTracebackObject())
        )
