"""`manage.py serve`: prepares the database and serves, with one process or several."""

import gc
import logging
import signal
import socket
from typing import Any

from channels.routing import get_default_application
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from realtime.limits import MAX_INBOUND_FRAME_BYTES
from realtime.memory import keep_sqlite_caches_small, return_freed_memory
from realtime.process import end_waiters
from realtime.startup import prepare
from realtime.workers import Workers, command_of_this_process, end_with
from wire import descriptors, exposition, snapshots
from wire.logs import log_uncaught

logger = logging.getLogger(__name__)

BACKLOG = 1024  # connections that wait while a storm of clients comes back
EXAMPLES = """
  curl -s {url}/v1/auth/register -H 'Content-Type: application/json' \\
       -d '{{"username": "alice", "password": "correct-horse-battery"}}'          # -> token
  curl -s {url}/v1/rooms -H 'Authorization: Bearer <token>'
  {ws}/v1/ws            one socket for everything   (subprotocols chat.v1, bearer.<token>)
  {ws}/ws/chat/lobby/   one socket for one room
"""


class Command(BaseCommand):
    help = "Migrate, make the room `lobby` and serve HTTP and websockets."
    requires_system_checks = ()  # they are `make check`'s work, and would slow every start

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help="HOST; default %(default)s")
        parser.add_argument("--port", type=int, default=settings.PORT, help="PORT; default %(default)s")
        parser.add_argument("--server", default=settings.SERVER, choices=["daphne", "uvicorn"], help="SERVER")
        parser.add_argument(
            "--workers",
            type=int,
            choices=range(1, 65),
            metavar="N",
            default=settings.WORKERS,
            help="WORKERS; default %(default)s",
        )
        parser.add_argument("--fd", type=int, help="a listening socket that is already open (for the workers)")
        parser.add_argument("--lifeline", type=int, help="a pipe that closes when the parent ends (for the workers)")
        parser.add_argument("--metrics", type=int, help="the shared memory of metrics (for the workers)")
        parser.add_argument("--worker", type=int, help="the number of this process (for the workers)")

    def handle(self, *args: Any, **options: Any) -> None:
        log_uncaught()
        descriptors.raise_limit()  # before anything counts them
        if options["fd"] is not None:
            end_with(options["lifeline"])
            snapshots.workers.share(options["metrics"], options["worker"])
            run(options["server"], socket.socket(fileno=options["fd"]))
            return
        if applied := prepare():
            self._print(f"Applied {applied} migrations.")
        with listen(options["host"], options["port"]) as listener:
            self._print_address(listener, options["server"], options["workers"])
            if options["workers"] == 1:
                self._serve_metrics()
                run(options["server"], listener)
                return
            command = [*command_of_this_process(), "--server", options["server"]]
            workers = Workers(options["workers"], command, listener, self._print)
            snapshots.workers.share(workers.metrics, own=None)
            self._serve_metrics()
            workers.run()

    def _serve_metrics(self) -> None:
        """Open METRICS_PORT. Raises CommandError when it is taken."""
        if not settings.METRICS_PORT:
            return
        try:
            exposition.serve_port()
        except OSError as error:
            place = f"{settings.METRICS_HOST}:{settings.METRICS_PORT}"
            raise CommandError(f"Cannot listen on {place}: {error}. Set METRICS_HOST or METRICS_PORT.") from error

    def _print_address(self, listener: socket.socket, server: str, workers: int) -> None:
        host, port = listener.getsockname()[:2]
        place = f"{f'[{host}]' if ':' in host else host}:{port}"
        database = settings.DATABASES["default"]
        hints = "hints through Redis" if settings.REDIS_URL else "hints in memory"
        limits = "on" if settings.RATE_LIMITS else "off: RATE_LIMITS=0"
        self._print(
            f"Parley serves http://{place} ({server}, {workers} process{'es' if workers > 1 else ''}; "
            f"{database['ENGINE'].rsplit('.', 1)[1]} {database['NAME']}; {hints}; rate limits are {limits})"
        )
        if workers > 1 and not settings.REDIS_URL:
            self._print(
                "Without REDIS_URL a message that one process accepts reaches other processes about a second later."
            )
        if settings.LOOPBACK_ONLY:
            self._print(
                "For development (loopback HOST, no ALLOWED_HOSTS): pages of localhost, 127.0.0.1 and 10.0.2.2 may "
                "call, on any port."
            )
        if settings.LOG_FORMAT == "text":
            self._print(EXAMPLES.format(url=f"http://{place}", ws=f"ws://{place}"))

    def _print(self, line: str) -> None:
        if settings.LOG_FORMAT == "json":  # whoever reads JSON reads stdout too
            logger.info(line)
            return
        self.stdout.write(line)
        self.stdout.flush()


def listen(host: str, port: int) -> socket.socket:
    """Open a listening TCP socket. Raises CommandError with the reason when that fails."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        raise CommandError(f"Cannot listen on {host}:{port}: {error}. Set HOST or PORT.") from error
    return listener


def run(server: str, listener: socket.socket) -> None:
    """Serves on an open socket until SIGTERM or SIGINT."""
    return_freed_memory()
    keep_sqlite_caches_small()
    # Imported modules live for ever: the collector need not traverse them, nor run so often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    if server == "uvicorn":
        _run_uvicorn(listener)
    else:
        _run_daphne(listener)


def _run_daphne(listener: socket.socket) -> None:
    from realtime.server import serve  # installs Twisted's reactor: not before it is wanted

    host, port = listener.getsockname()[:2]
    # Detached: a second copy would keep the kernel accepting after the server's own is closed.
    serve(get_default_application(), host=host, port=port, fd=listener.detach(), on_drain=end_waiters)


def _run_uvicorn(listener: socket.socket) -> None:
    try:
        import uvicorn
    except ImportError as error:
        raise CommandError("SERVER=uvicorn needs the extra `uvicorn`.") from error

    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again after its clean end, which would turn that end into a death by signal.
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(
        get_default_application(),
        limit_concurrency=descriptors.connections(),
        ws="websockets-sansio",
        ws_max_size=MAX_INBOUND_FRAME_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=settings.WS_PING_INTERVAL_SECONDS,
        ws_ping_timeout=settings.WS_PING_TIMEOUT_SECONDS,
        timeout_graceful_shutdown=10,
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        # uvicorn would believe X-Forwarded-For and X-Forwarded-Proto of every peer on this machine.
        proxy_headers=False,
        timeout_keep_alive=settings.HTTP_IDLE_SECONDS,
    )

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            end_waiters()  # uvicorn would wait for their answers
            await super().shutdown(sockets)

    Server(config).run(sockets=[listener])
