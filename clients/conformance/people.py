"""Accounts, rooms and messages of a case, by REST and beside the client under test."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import httpx
from websockets.asyncio.client import connect

from clients.conformance.faults import Json

PASSWORD = "correct horse battery"


class Person:
    """An account of the server, used by REST."""

    def __init__(self, http: httpx.AsyncClient, url: str, name: str) -> None:
        self.http, self.url = http, url
        self.name = f"{name}-{uuid4().hex[:12]}"
        self.id = self.token = ""

    async def register(self) -> None:
        """Make the account."""
        await self._enter("auth/register")

    async def login(self) -> str:
        """Begin another session and return its token; the one before stays valid."""
        await self._enter("auth/login")
        return self.token

    async def _enter(self, path: str) -> None:
        answer = await self.rest("POST", path, {"username": self.name, "password": PASSWORD}, token="")
        self.token, self.id = answer["token"], answer["user"]["id"]

    async def rest(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        """Call an endpoint, and return its body. Raises HTTPStatusError when it refuses."""
        token = self.token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self.http.request(method, f"{self.url}/v1/{path}", json=body, headers=headers)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def make_room(self, *others: Person, **fields: Any) -> str:
        """Make a room with these members, and return its id."""
        body = {"kind": "private", "name": "Tea", "members": [each.id for each in others], **fields}
        room: Json = await self.rest("POST", "rooms", body)
        return str(room["id"])

    async def say(self, room: str, *texts: str) -> list[Json]:
        """Send messages, in order."""
        path = f"rooms/{room}/messages"
        return [await self.rest("POST", path, {"client_id": uuid4().hex, "text": text}) for text in texts]

    async def history(self, room: str) -> list[Json]:
        """All messages of a room that this person sees, oldest first."""
        found: list[Json] = []
        before = ""
        while True:
            page = await self.rest("GET", f"rooms/{room}/messages?limit=100{before}")
            found = page["results"] + found
            if not page["page"]["more_before"]:
                return found
            before = f"&before={page['page']['oldest_seq']}"

    async def say_many(self, room: str, texts: list[str]) -> None:
        """Send many messages in a few frames, in order."""
        url = f"{self.url.replace('http', 'ws')}/v1/ws"
        async with connect(url, additional_headers={"Authorization": f"Bearer {self.token}"}, max_size=None) as socket:
            await socket.recv()
            for start in range(0, len(texts), 50):
                items = [{"client_id": uuid4().hex, "text": each} for each in texts[start : start + 50]]
                await socket.send(json.dumps({"action": "send_messages", "room_id": room, "items": items}))
                reply = json.loads(await socket.recv())
                if reply["response_status"] != 200:
                    raise RuntimeError(f"{reply['errors']}")
