"""The processes of a run: servers, PostgreSQL and Valkey, with a proxy on every connection between two of them."""

import asyncio
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tests.chaos.proxies import Proxy
from tests.servers import ParleyServer
from tests.services import PostgresServer, RedisServer, remove_at_exit, start_postgres, start_redis

DATABASE = "chaos"
# Shorter than in earnest, so that a stalled reader meets its end within a short run.
LIVENESS = {"WS_PING_INTERVAL_SECONDS": "5", "WS_PING_TIMEOUT_SECONDS": "5", "WS_STALL_SECONDS": "8"}


class Cluster:
    """The servers and their proxies; `client_lines[k]` is the proxy through which clients reach server k."""

    def __init__(self, stack: str, entry: str = "tests.chaos.entry") -> None:
        self.stack = stack
        self.size = 3 if stack == "postgres" else 2
        self.command = ("-m", entry, "serve")
        self.postgres: PostgresServer | None = None
        self.redis: RedisServer | None = None
        self.servers: list[ParleyServer] = []
        self.client_lines: list[Proxy] = []
        self.redis_lines: list[Proxy] = []
        self.database_lines: list[Proxy] = []

    async def start(self) -> None:
        """Start everything; the first server migrates."""
        if self.stack == "postgres":
            postgres, redis = await asyncio.gather(asyncio.to_thread(start_postgres), asyncio.to_thread(start_redis))
            await asyncio.to_thread(postgres.create_database, DATABASE)
            self.postgres, self.redis = postgres, redis
        else:
            folder = Path(tempfile.mkdtemp(prefix="parley-chaos-"))
            remove_at_exit(folder)
            self.file = folder / "chaos.sqlite3"
        for _ in range(self.size):
            self.servers.append(await self._wire())
        await asyncio.to_thread(self.servers[0].start)
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in self.servers[1:]))
        for server in self.servers:
            self.client_lines.append(await Proxy("client", server.port).start())

    async def _wire(self) -> ParleyServer:
        if self.postgres is None or self.redis is None:
            return ParleyServer(f"sqlite:///{self.file}", command=self.command, env=LIVENESS)
        database = await Proxy("database", self.postgres.port).start()
        redis = await Proxy("redis", self.redis.port).start()
        self.database_lines.append(database)
        self.redis_lines.append(redis)
        database_url = f"postgres://parley@127.0.0.1:{database.port}/{DATABASE}"
        redis_url = f"redis://127.0.0.1:{redis.port}/{urlsplit(self.redis.url).path.strip('/')}"
        return ParleyServer(database_url, redis_url, command=self.command, env=LIVENESS)

    @property
    def proxies(self) -> list[Proxy]:
        """All lines."""
        return [*self.client_lines, *self.redis_lines, *self.database_lines]

    async def heal(self) -> None:
        """Everything runs and every line passes."""
        for proxy in self.proxies:
            proxy.heal()
        for service in (self.postgres, self.redis, *self.servers):
            if service is not None:
                service.resume()
                await asyncio.to_thread(service.start)

    async def stop(self) -> None:
        """End everything."""
        for service in (*self.servers, self.redis, self.postgres):
            if service is not None:
                service.resume()
                await asyncio.to_thread(service.kill)
        for proxy in self.proxies:
            await proxy.stop()

    def logs(self) -> str:
        """The output of all servers."""
        return "\n".join(server.logs for server in self.servers)
