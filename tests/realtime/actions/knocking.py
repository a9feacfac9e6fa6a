"""How an action answers who is not in the room, and whether its REST twin says the same."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from tests.answers import Reply
from tests.sockets import Account

NOWHERE = "01890000-0000-7000-8000-000000000000"


async def knock(outsider: Account, owner: Account, action: str, **body: Any) -> dict[str, tuple[int, str | None]]:
    """The refusals of one action, by the kind of room: what it is to somebody who was never in it."""
    friend = await owner.another_device()
    rooms = {
        "private": await owner.make_room(),
        "public": await owner.make_room(kind="public", slug=f"r-{uuid4().hex[:12]}"),
        "nowhere": {"id": NOWHERE},
    }
    socket = await outsider.connect()
    heads = {kind: (await friend.get(f"/v1/rooms/{room['id']}")).json().get("head") for kind, room in rooms.items()}

    refusals = {kind: (await socket.call(action, room_id=room["id"], **body)).refusal for kind, room in rooms.items()}

    for kind, room in rooms.items():
        assert (await friend.get(f"/v1/rooms/{room['id']}")).json().get("head") == heads[kind]
    return refusals


SHUT = {"private": (404, "not_found"), "public": (403, "room.not_member"), "nowhere": (404, "not_found")}


def answer(response: httpx.Response) -> tuple[int, Any]:
    """Status and data, as a reply has them; of a refusal what it says but not to which request."""
    return response.status_code, _shape(response.json() if response.content else None)


def said(reply: Reply) -> tuple[int, Any]:
    """The same of a reply."""
    return reply.status, _shape(reply.frame["errors"][0] if reply.frame["errors"] else reply.data)


def _shape(data: Any) -> Any:
    if isinstance(data, dict) and data.get("type", "").startswith("/problems/"):
        return {key: value for key, value in data.items() if key != "request_id"}
    return data
