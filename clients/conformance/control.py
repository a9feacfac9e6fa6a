"""The switches of a fault proxy and its server over HTTP, on loopback, for the tests of an app."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from clients.conformance.faults import Json, Rule, parse_rule
from clients.conformance.proxy import FaultProxy
from tests.servers import ParleyServer

ANSWER_SECONDS = 120.0  # a restart of the server takes a while on a busy machine
SERVER_DEEDS = ("kill", "start", "stop", "restart", "pause", "resume")


class Control:
    """Answers requests with the switches of one proxy. `port` 0 is a free one."""

    def __init__(self, proxy: FaultProxy, server: ParleyServer, port: int) -> None:
        self.proxy, self.server = proxy, server
        self.faults: dict[int, tuple[Rule, Json]] = {}
        self._loop = asyncio.get_running_loop()
        self._routes: dict[tuple[str, str], Callable[[Json], Awaitable[Any]]] = {
            ("GET", "/"): self.look,
            ("GET", "/frames"): self.list_frames,
            ("POST", "/faults"): self.add_fault,
            ("POST", "/release"): self.release,
            ("POST", "/cut"): self.cut,
            ("POST", "/close"): self.close,
            ("POST", "/push"): self.push,
            ("POST", "/mute"): self.mute,
            ("POST", "/refuse"): self.refuse,
            ("POST", "/heal"): self.heal,
            ("POST", "/server"): self.use_server,
        }
        self._http = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self.port: int = self._http.server_address[1]

    def start(self) -> None:
        """Answer in a thread."""
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self._http.shutdown()
        self._http.server_close()

    async def look(self, body: Json) -> Json:
        """The state of the proxy: open sockets, attempts to open one, frames, and the faults in force."""
        faults = [{"id": number, "done": rule.done, **given} for number, (rule, given) in self.faults.items()]
        return {
            "sockets": len(self.proxy.lines),
            "attempts": len(self.proxy.attempts),
            "frames": len(self.proxy.log),
            "faults": faults,
        }

    async def list_frames(self, body: Json) -> list[Json]:
        """All frames that have come to the proxy."""
        return [{"kind": each.kind, "socket": each.line, "frame": each.frame} for each in self.proxy.log]

    async def add_fault(self, body: Json) -> Json:
        """Put a rule in force. Raises ValueError."""
        number = len(self.faults) + 1
        self.faults[number] = (self.proxy.add(parse_rule(body)), body)
        return {"id": number}

    async def release(self, body: Json) -> None:
        """Let the frames pass that the fault `id` holds. Raises ValueError."""
        if body.get("id") not in self.faults:
            raise ValueError("There is no such fault.")
        self.faults[body["id"]][0].release()

    async def cut(self, body: Json) -> Json:
        """Cut all connections."""
        return {"cut": self.proxy.cut(reset=bool(body.get("reset")))}

    async def close(self, body: Json) -> None:
        """Close all sockets with `code` and `reason`, after a `goodbye` if there is one."""
        if not isinstance(body.get("code"), int):
            raise ValueError("`code` must be a close code.")
        self.proxy.close_all(body["code"], str(body.get("reason", "")), body.get("goodbye"))

    async def push(self, body: Json) -> None:
        """Send `frame` on all sockets, as if the server had."""
        if not isinstance(body.get("frame"), dict):
            raise ValueError("`frame` must be an object.")
        self.proxy.push(body["frame"])

    async def mute(self, body: Json) -> None:
        """Let nothing pass, in either direction, while all connections stay open."""
        self.proxy.stall()

    async def refuse(self, body: Json) -> None:
        """Refuse new connections, or answer upgrades with an HTTP `status` and a `body`."""
        if "status" in body:
            self.proxy.upgrade_answer = (int(body["status"]), str(body.get("body", "")))
        else:
            self.proxy.is_refusing = True

    async def heal(self, body: Json) -> None:
        """End all faults."""
        self.proxy.heal()
        self.faults.clear()

    async def use_server(self, body: Json) -> None:
        """Kill, start, stop, restart, pause or resume the server."""
        if body.get("do") not in SERVER_DEEDS:
            raise ValueError(f"`do` must be one of {', '.join(SERVER_DEEDS)}.")
        await asyncio.to_thread(getattr(self.server, body["do"]))

    async def answer(self, method: str, path: str, body: Json) -> tuple[int, Any]:
        """The status and the body of the answer to a request."""
        route = self._routes.get((method, path))
        if route is None:
            return 404, {"detail": f"There is no {method} {path}. There are: {', '.join(map(' '.join, self._routes))}."}
        try:
            return 200, await route(body)
        except ValueError as error:
            return 400, {"detail": str(error)}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        control = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                # A page of any site could reach loopback: only programs may use the switches.
                if self.headers.get("Origin"):
                    return self._write(403, {"detail": "Not from a page."})
                length = int(self.headers.get("Content-Length") or 0)
                try:
                    body = json.loads(self.rfile.read(length) or b"{}")
                except ValueError:
                    return self._write(400, {"detail": "The body is not JSON."})
                if not isinstance(body, dict):
                    return self._write(400, {"detail": "The body must be an object."})
                work = control.answer(self.command, self.path, body)
                return self._write(*asyncio.run_coroutine_threadsafe(work, control._loop).result(ANSWER_SECONDS))

            def _write(self, status: int, body: Any) -> None:
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *arguments: object) -> None:
                """Print nothing."""

        return Handler
