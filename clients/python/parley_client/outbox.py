"""Unsent messages: kept until the server has answered, sent one after another in each room, oldest first."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from parley_client.errors import Refused, stopped

Json = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """A message that was written. `settled` has the server's message, or raises Refused; `await sent` is the same."""

    client_id: str
    settled: asyncio.Future[Json]

    def __await__(self) -> Any:
        return self.settled.__await__()


class Sender(Protocol):
    """The connection and the store of an outbox."""

    async def request(self, action: str, **body: Any) -> Any: ...

    def keep(self, client_id: str, unsent: Json | None) -> None: ...

    def sent(self, message: Json) -> None: ...

    def refused(self, unsent: Json, error: Refused) -> None: ...


class Outbox:
    """The unsent messages of one user. `records` has them by `client_id`, which sorts in the order of writing."""

    def __init__(self, sender: Sender) -> None:
        self.records: dict[str, Json] = {}
        self.sending: dict[str, asyncio.Task[None]] = {}  # by room
        self._sender = sender
        self._settled: dict[str, asyncio.Future[Json]] = {}
        self._is_open = False

    def of(self, room_id: str) -> list[Json]:
        """The unsent messages of a room, in the order of writing."""
        return [self.records[key] for key in sorted(self.records) if self.records[key]["room_id"] == room_id]

    def add(self, body: Json) -> Sent:
        """Keep a message and send it as soon as it is its turn."""
        client_id = f"{time.time_ns():020}-{secrets.token_hex(6)}"
        self.records[client_id] = unsent = {**body, "client_id": client_id, "refused": None}
        settled = self._settled[client_id] = asyncio.get_running_loop().create_future()
        settled.add_done_callback(lambda future: future.cancelled() or future.exception())  # nobody has to wait for it
        self._sender.keep(client_id, unsent)
        self.flush()
        return Sent(client_id, settled)

    def learn(self, client_id: str, unsent: Json) -> None:
        """Take a record of the store."""
        self.records.setdefault(client_id, unsent)

    def adopt(self, other: Outbox) -> None:
        """Take all messages of another outbox, whose user was not known yet."""
        for client_id, unsent in other.records.items():
            self.records[client_id] = unsent
            self._sender.keep(client_id, unsent)
        self._settled |= other._settled
        other._settled = {}

    def open(self) -> None:
        """Send: the connection is up and everything missed is here."""
        self._is_open = True
        self.flush()

    def close(self) -> None:
        """Send nothing until `open`."""
        self._is_open = False
        for task in self.sending.values():
            task.cancel()
        self.sending.clear()

    def flush(self) -> None:
        """Go on in every room that has something to send."""
        if not self._is_open:
            return
        for room_id in {unsent["room_id"] for unsent in self.records.values() if not unsent["refused"]}:
            if room_id not in self.sending:
                self.sending[room_id] = asyncio.ensure_future(self._send(room_id))

    async def _send(self, room_id: str) -> None:
        """Send the messages of a room, one after the other, until none is left."""
        while unsent := next((each for each in self.of(room_id) if not each["refused"]), None):
            body = {key: value for key, value in unsent.items() if key != "refused"}
            try:
                message = await self._sender.request("send_message", **body)
                self._sender.sent(message)
                self.acknowledge(message)
            except Refused as error:
                # A refused session is no fault of the message: the same user sends it with the next session.
                if error.is_retryable or error.code.startswith("auth."):
                    await asyncio.sleep(error.retry_after)
                else:
                    self._refuse(unsent, error)
        del self.sending[room_id]

    def acknowledge(self, message: Json) -> None:
        """The server has it: by a reply, an event or a page."""
        client_id = message["client_id"]
        if self.records.pop(client_id, None) is not None:
            self._sender.keep(client_id, None)
            self._settle(client_id, lambda future: future.set_result(message))

    def remove(self, client_id: str) -> None:
        """Forget a message that is not wanted any more."""
        if self.records.pop(client_id, None) is not None:
            self._sender.keep(client_id, None)
        self._settle(client_id, lambda future: future.set_exception(stopped()))

    def _refuse(self, unsent: Json, error: Refused) -> None:
        client_id = unsent["client_id"]
        if client_id not in self.records:  # acknowledged by its event, or removed
            return
        refused = {**unsent, "refused": {"code": error.code, "detail": error.detail}}
        self.records[client_id] = refused
        self._sender.keep(client_id, refused)
        self._sender.refused(refused, error)
        self._settle(client_id, lambda future: future.set_exception(error))

    def _settle(self, client_id: str, settle: Callable[[asyncio.Future[Json]], None]) -> None:
        future = self._settled.pop(client_id, None)
        if future is not None and not future.done():
            settle(future)
