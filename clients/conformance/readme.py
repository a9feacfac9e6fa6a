"""examples/client.py as a client under test: `python -m clients.conformance.readme`."""

from __future__ import annotations

import asyncio
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from clients.conformance.adapter import Adapter

_spec = spec_from_file_location("example_client", Path(__file__).parents[2] / "examples/client.py")
assert _spec is not None
assert _spec.loader is not None
example: Any = module_from_spec(_spec)
_spec.loader.exec_module(example)


class Readme(Adapter):
    """The small client of one room. It prints a refused text and forgets it."""

    name = "examples/client.py"
    features = ("store", "shared_store", "full_store")

    def do_start(self, *, url: str, token: str, user: str, room: str, store: str) -> None:
        address = f"ws{url.removeprefix('http')}/v1/ws"
        self.ended: dict[str, Any] | None = None
        self.client = example.Client(address, token, room, store, lambda message: None)
        self.running = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        try:
            await self.client.run()
        except SystemExit as end:
            socket = self.client.socket
            self.ended = {"code": socket.close_code if socket else None, "reason": str(end)}

    def do_send(self, *, room: str, text: str) -> None:
        self.client.send(text)

    def do_state(self) -> dict[str, Any]:
        client = self.client
        if self.running.done() and self.ended is None:
            self.running.result()
        messages = sorted(client.messages.values(), key=lambda message: int(message["seq"]))
        unsent = [{"client_id": key, "text": text, "refused": None} for key, text in client.unsent()]
        status = "ended" if self.ended else "live" if client.ready else "connecting"
        return {
            "status": status,
            "ended": self.ended,
            "rooms": {client.room: {"messages": messages, "unsent": unsent}},
            "new": [],
        }


if __name__ == "__main__":
    sys.exit(asyncio.run(Readme().serve()))
