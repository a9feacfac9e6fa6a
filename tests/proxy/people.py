"""Users of a Parley of which only the URL is known."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import httpx

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Sender:
    """A user with a token and a room."""

    token: str
    room_id: str
    url: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def path(self) -> str:
        """The path for sending and reading messages."""
        return f"/v1/rooms/{self.room_id}/messages"

    def stored(self) -> list[str]:
        """The client_ids of the newest hundred messages, oldest first."""
        page = httpx.get(f"{self.url}{self.path}?limit=100", headers=self.headers, timeout=30).json()
        return [message["client_id"] for message in page["results"]]


def register(url: str) -> Sender:
    """Register a new user with a new room."""
    body = {"username": f"u{uuid4().hex[:12]}", "password": PASSWORD}
    token = httpx.post(f"{url}/v1/auth/register", json=body, timeout=30).raise_for_status().json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    room = httpx.post(f"{url}/v1/rooms", json={"kind": "public", "name": "Tea"}, headers=headers, timeout=30)
    return Sender(token, room.raise_for_status().json()["id"], url)
