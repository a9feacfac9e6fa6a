"""A live server with one room of each kind, its members, a former member and an outsider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

import httpx

from tests.recording import record
from tests.servers import ParleyServer
from tests.sockets import PASSWORD, TLS

Kind = Literal["private", "direct", "public"]


class Caller:
    """A registered user with a client of the REST API."""

    def __init__(self, server: ParleyServer, name: str) -> None:
        self._http = httpx.Client(base_url=server.url, verify=TLS, trust_env=False, timeout=20)
        self.server = server
        body = {"username": f"{name}-{uuid4().hex[:12]}", "password": PASSWORD}
        login = self.request("POST", "/v1/auth/register", body).json()
        self.token: str = login["token"]
        self.id: str = login["user"]["id"]
        self._http.headers["Authorization"] = f"Bearer {self.token}"

    def request(self, method: str, path: str, body: object = None, **options: Any) -> httpx.Response:
        """Send `body` as JSON, or as it is when it is bytes."""
        sent: dict[str, Any] = (
            {"content": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        )
        response = self._http.request(method, path, **sent, **options)
        recorded = {
            "method": method,
            "path": path.partition("?")[0],
            "status": response.status_code,
            "content_type": response.headers.get("content-type"),
            "body": response.json() if response.content else None,
        }
        record("received", "rest", recorded)
        return response

    def make(self, path: str, body: object = None, method: str = "POST") -> Any:
        """Send a request that must succeed, and return its result."""
        response = self.request(method, path, body)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def close(self) -> None:
        self._http.close()


@dataclass
class Room:
    """A room of Alice and Bob, with a message of hers."""

    id: str
    message_id: str

    def paths(self, user_id: str) -> dict[str, str]:
        """The values of the parameters of a path or frame."""
        ids = {"room_id": self.id, "message_id": self.message_id, "thread_root": self.message_id, "user_id": user_id}
        return {**ids, "link_id": self.message_id, "key": ":tea:"}


class World:
    """Alice owns the rooms, Bob is a member, Dave has left, and Charlie never joined."""

    def __init__(self, server: ParleyServer) -> None:
        self.server = server
        self.people: list[Caller] = []
        self.alice, self.bob, self.charlie, self.dave = (self.newcomer(name) for name in _NAMES)
        self.rooms: dict[Kind, Room] = {
            "private": self._room(kind="private", members=[self.bob.id, self.dave.id]),
            "public": self._room(kind="public", members=[self.bob.id, self.dave.id]),
            "direct": self._fill(self.alice.make(f"/v1/rooms/direct/{self.bob.id}", method="PUT")),
        }
        for kind in ("private", "public"):
            self.dave.make(f"/v1/rooms/{self.rooms[kind].id}/leave")

    def newcomer(self, name: str) -> Caller:
        """Register a user who is in no room."""
        self.people.append(Caller(self.server, name))
        return self.people[-1]

    def heads(self) -> dict[str, int]:
        """The head of each room, as Alice sees it."""
        return {room["id"]: room["head"] for room in self.alice.make("/v1/rooms", method="GET")["results"]}

    def close(self) -> None:
        for caller in self.people:
            caller.close()

    def _room(self, **body: Any) -> Room:
        return self._fill(self.alice.make("/v1/rooms", {"name": "Tea", **body}))

    def _fill(self, room: dict[str, Any]) -> Room:
        body = {"client_id": uuid4().hex, "text": "among us"}
        message = self.alice.make(f"/v1/rooms/{room['id']}/messages", body)
        return Room(room["id"], message["id"])


_NAMES = ("alice", "bob", "charlie", "dave")
