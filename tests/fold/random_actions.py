"""Random actions of several users, each of which the server may reject; the same seed makes the same choices."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any
from uuid import uuid4

import httpx

from tests.fold.state import JSON
from tests.fold.world import new_message
from tests.sockets import Account

KEYS = ("%F0%9F%91%8D", "%E2%9D%A4", ":tea:", ":+1:")  # two emojis, one without its presentation selector
WEIGHTS = {
    "send": 40,
    "edit": 10,
    "delete": 8,
    "reply": 20,
    "follow": 6,
    "read_thread": 6,
    "react": 24,
    "pin": 8,
    "mark_read": 12,
    "mark_unread": 8,
    "update": 5,
    "join": 12,
    "leave": 4,
    "put_member": 14,
    "remove_member": 10,
    "create": 2,
    "direct": 2,
    "archive": 1,
    "unarchive": 3,
    "hide": 6,
}


class RandomActions:
    """Random actions. `log` lists them, `allowed` counts those that the server accepted."""

    def __init__(self, random: Random, people: Sequence[Account]) -> None:
        self.random = random
        self.people = people
        self.rooms: list[str] = []
        self.messages: dict[str, list[JSON]] = {}
        self.roots: dict[str, list[str]] = {}  # of threads, by room
        self.log: list[str] = []
        self.allowed = 0

    async def begin(self, room: JSON) -> None:
        """A room of each kind and history beside the first one."""
        owner, *members = self.people[:4]
        for kind, history in (("public", "shared"), ("private", "shared"), ("public", "since_joined")):
            self._note_room(await owner.make_room(*members[:2], kind=kind, history=history))
        self._note_room(room)

    def _note_room(self, room: JSON) -> None:
        if room["id"] not in self.messages:
            self.rooms.append(room["id"])
            self.messages[room["id"]] = []

    async def go_on(self) -> None:
        """Perform one random action of a random user in a random room."""
        [action] = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
        who, room_id = self.random.choice(self.people), self.random.choice(self.rooms)
        response: httpx.Response = await getattr(self, f"_{action}")(who, room_id, f"/v1/rooms/{room_id}")
        assert response.status_code in (200, 201, 204, 400, 403, 404, 409), response.text
        self.allowed += response.status_code < 300
        place = self.rooms.index(room_id)
        self.log.append(f"{who.username[:7]} {action} in room {place}: {response.status_code}")

    async def _send(self, who: Account, room_id: str, path: str) -> httpx.Response:
        known = self.messages[room_id]
        more: JSON = {"reply_to": self.random.choice(known)["id"]} if known and self.random.random() < 0.3 else {}
        if self.random.random() < 0.1 and (others := [one for rows in self.messages.values() for one in rows]):
            forwarded = self.random.choice(others)
            more["forward"] = {"room_id": forwarded["room_id"], "message_id": forwarded["id"]}
        response = await who.post(f"{path}/messages", new_message(f"m{len(self.log)}", **more))
        if response.status_code == 201:
            known.append(response.json())
        return response

    async def _reply(self, who: Account, room_id: str, path: str) -> httpx.Response:
        """Reply in a thread, or name people in the main line."""
        known, dice = self.messages[room_id], self.random.random()
        named = {"users": [one.id for one in self.random.sample(list(self.people), 2)], "room": dice < 0.2}
        more: JSON = {"mentions": named} if self.random.random() < 0.5 else {}
        if known and dice > 0.1:
            more |= {"thread_root": self.random.choice(known[-5:])["id"], "in_room": dice > 0.7}
        response = await who.post(f"{path}/messages", new_message(f"r{len(self.log)}", **more))
        if response.status_code == 201 and response.json()["thread_root"]:
            self.roots.setdefault(room_id, []).append(response.json()["thread_root"])
        return response

    def _root(self, room_id: str) -> str:
        return self.random.choice(self.roots.get(room_id, [str(uuid4())]))

    async def _follow(self, who: Account, room_id: str, path: str) -> httpx.Response:
        change = self.random.choice([who.put, who.delete])
        return await change(f"{path}/threads/{self._root(room_id)}/follow")

    async def _read_thread(self, who: Account, room_id: str, path: str) -> httpx.Response:
        return await who.post(f"{path}/read", {"seq": await self._seq(who, path), "thread_root": self._root(room_id)})

    async def _edit(self, who: Account, room_id: str, path: str) -> httpx.Response:
        message, author = self._message(who, room_id)
        change = {"text": f"e{len(self.log)}"} if self.random.random() < 0.7 else {"metadata": {"n": len(self.log)}}
        return await author.patch(f"{path}/messages/{message}", change)

    async def _delete(self, who: Account, room_id: str, path: str) -> httpx.Response:
        message, author = self._message(who, room_id)
        return await self.random.choice([who, author]).delete(f"{path}/messages/{message}")

    async def _react(self, who: Account, room_id: str, path: str) -> httpx.Response:
        message, _ = self._message(who, room_id)
        method = self.random.choice(["PUT", "PUT", "DELETE"])
        return await who.request(method, f"{path}/messages/{message}/reactions/{self.random.choice(KEYS)}")

    async def _pin(self, who: Account, room_id: str, path: str) -> httpx.Response:
        message, _ = self._message(who, room_id)
        return await who.request(self.random.choice(["PUT", "PUT", "DELETE"]), f"{path}/pins/{message}")

    def _message(self, who: Account, room_id: str) -> tuple[str, Account]:
        known = self.messages[room_id]
        if not known:
            return str(uuid4()), who
        message = self.random.choice(known)
        return message["id"], next(one for one in self.people if one.id == message["sender"]["id"])

    async def _mark_read(self, who: Account, room_id: str, path: str) -> httpx.Response:
        return await who.post(f"{path}/read", {"seq": await self._seq(who, path)})

    async def _mark_unread(self, who: Account, room_id: str, path: str) -> httpx.Response:
        return await who.post(f"{path}/unread", {"seq": await self._seq(who, path)})

    async def _seq(self, who: Account, path: str) -> int:
        response = await who.get(path)
        head = response.json()["head"] if response.status_code == 200 else 1
        return self.random.randint(max(1, head - 8), head)

    async def _update(self, who: Account, room_id: str, path: str) -> httpx.Response:
        n = len(self.log)
        return await who.patch(
            path, self.random.choice([{"name": f"n{n}"}, {"topic": f"t{n}"}, {"metadata": {"n": n}}])
        )

    async def _join(self, who: Account, room_id: str, path: str) -> httpx.Response:
        return await who.post(f"{path}/join")

    async def _leave(self, who: Account, room_id: str, path: str) -> httpx.Response:
        return await who.post(f"{path}/leave")

    async def _put_member(self, who: Account, room_id: str, path: str) -> httpx.Response:
        role = self.random.choice([None, None, "member", "admin", "owner"])
        body: dict[str, Any] = {} if role is None else {"role": role}
        return await who.put(f"{path}/members/{self.random.choice(self.people).id}", body)

    async def _remove_member(self, who: Account, room_id: str, path: str) -> httpx.Response:
        return await who.delete(f"{path}/members/{self.random.choice(self.people).id}")

    async def _create(self, who: Account, room_id: str, path: str) -> httpx.Response:
        members = [one.id for one in self.random.sample(list(self.people), 2)]
        body = {"kind": self.random.choice(["public", "private"]), "name": "New", "members": members}
        response = await who.post("/v1/rooms", {**body, "history": self.random.choice(["shared", "since_joined"])})
        self._note_room(response.json())
        return response

    async def _direct(self, who: Account, room_id: str, path: str) -> httpx.Response:
        response = await who.put(f"/v1/rooms/direct/{self.random.choice(self.people).id}")
        if response.status_code < 300:
            self._note_room(response.json())
        return response

    async def _archive(self, who: Account, room_id: str, path: str) -> httpx.Response:
        return await who.delete(path)

    async def _unarchive(self, who: Account, room_id: str, path: str) -> httpx.Response:
        return await who.post(f"{path}/unarchive")

    async def _hide(self, who: Account, room_id: str, path: str) -> httpx.Response:
        return await who.patch(f"{path}/me", {"hidden": self.random.random() < 0.7})
