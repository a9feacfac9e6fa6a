"""Senders and listeners that count every message: failed sends, lost messages, and messages received twice."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from typing import Any, Self

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.proxy.people import Sender, register

logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each send would hide the failures

PATIENCE = 60.0  # for a listener to have everything after the last send
PAUSE = 0.2  # before a listener comes back, or a message is sent again


class Load:
    """Four senders in a room of their own and three listeners in it, from entering the block to its end.

    `failures` counts the sends that were not acknowledged at once, by problem code, status or exception: each is sent
    again.
    """

    def __init__(self, url: str, senders: int = 4, listeners: int = 3) -> None:
        self.url = url
        self.failures: Counter[str | int] = Counter()
        self.acknowledged: list[str] = []
        self.slowest = 0.0
        self.longest_pause = 0.0  # the longest time in which no send of any sender was acknowledged
        self._acknowledged_at: float | None = None
        self.received: list[dict[int, str]] = [{} for _ in range(listeners)]  # by seq
        self.doubles = 0
        self._times = threading.Lock()
        self._ended = threading.Event()
        self._all_received = threading.Event()
        self._people: list[Sender] = []
        self._senders = [threading.Thread(target=self._send, args=(number,)) for number in range(senders)]
        self._listeners = [threading.Thread(target=self._listen, args=(number,)) for number in range(listeners)]

    @property
    def lost(self) -> int:
        """The number of acknowledged messages that a listener has not received, of all listeners."""
        return sum(len(set(self.acknowledged) - set(each.values())) for each in self.received)

    def wait_for(self, sends: int) -> None:
        """Wait until so many more messages are acknowledged."""
        wanted, deadline = len(self.acknowledged) + sends, time.monotonic() + PATIENCE
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < deadline, f"no {sends} acknowledgements within {PATIENCE:g} s"
            time.sleep(0.02)

    def __enter__(self) -> Self:
        owner = register(self.url)
        self._people.append(owner)
        for _ in self._senders[1:]:
            member = register(self.url)
            join = f"{self.url}/v1/rooms/{owner.room_id}/join"
            httpx.post(join, headers=member.headers, timeout=30).raise_for_status()
            self._people.append(Sender(member.token, owner.room_id, self.url))
        for thread in [*self._senders, *self._listeners]:
            thread.start()
        self.wait_for(len(self._senders))
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        for thread in self._senders:
            thread.join()
        deadline = time.monotonic() + PATIENCE
        while self.lost and time.monotonic() < deadline:
            time.sleep(0.05)
        self._all_received.set()
        for thread in self._listeners:
            thread.join()

    def _send(self, number: int) -> None:
        sender, count = self._people[number], 0
        with httpx.Client(base_url=self.url, headers=sender.headers, timeout=30) as client:
            while not self._ended.is_set():
                count += 1
                self._send_until_acknowledged(client, sender.path, f"{number}-{count}")

    def _send_until_acknowledged(self, client: httpx.Client, path: str, client_id: str) -> None:
        began = time.monotonic()
        while True:
            try:
                response = client.post(path, json={"client_id": client_id, "text": "Tea?"})
            except httpx.TransportError as error:
                self.failures[type(error).__name__] += 1
            else:
                if response.is_success:
                    self.acknowledged.append(client_id)
                    self._note_time(began)
                    return
                is_problem = response.headers.get("Content-Type") == "application/problem+json"
                self.failures[response.json()["code"] if is_problem else response.status_code] += 1
            time.sleep(PAUSE)

    def _note_time(self, began: float) -> None:
        with self._times:
            now = time.monotonic()
            self.slowest = max(self.slowest, now - began)
            self.longest_pause = max(self.longest_pause, now - (self._acknowledged_at or now))
            self._acknowledged_at = now

    def _listen(self, number: int) -> None:
        sender, received = self._people[number % len(self._people)], self.received[number]
        offered = [Subprotocol("chat.v1"), Subprotocol(f"bearer.{sender.token}")]
        while not self._all_received.is_set():
            try:
                with connect(f"ws{self.url[4:]}/v1/ws", subprotocols=offered, open_timeout=30, proxy=None) as socket:
                    after = max(received, default=0)
                    subscribe = {"action": "subscribe", "request_id": 1, "room_id": sender.room_id, "after": after}
                    socket.send(json.dumps(subscribe))
                    self._receive(socket, received)
            except (OSError, WebSocketException):
                time.sleep(PAUSE)

    def _receive(self, socket: Any, received: dict[int, str]) -> None:
        while not self._all_received.is_set():
            try:
                frame = json.loads(socket.recv(timeout=0.5))
            except TimeoutError:
                continue
            for event in frame["data"] if frame["action"] == "events" else ():
                if event["type"] == "message.created":
                    self.doubles += event["seq"] in received
                    received[event["seq"]] = event["data"]["client_id"]
