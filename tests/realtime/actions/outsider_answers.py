"""The answers of an action to users outside the room, compared with those of its REST twin."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from tests.answers import Reply
from tests.sockets import Account

NOWHERE = "01890000-0000-7000-8000-000000000000"


async def problems_for_outsider(
    outsider: Account, owner: Account, action: str, **body: Any
) -> dict[str, tuple[int, str | None]]:
    """The problems of one action for a user who was never a member, by the kind of room."""
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


NOT_ACCESSIBLE = {"private": (404, "not_found"), "public": (403, "room.not_member"), "nowhere": (404, "not_found")}


def answer(response: httpx.Response) -> tuple[int, Any]:
    """Status and data of a response by REST; of a problem everything but the request id."""
    return response.status_code, _shape(response.json() if response.content else None)


def reply_content(reply: Reply) -> tuple[int, Any]:
    """Status and data of a reply on the socket, in the same form."""
    return reply.status, _shape(reply.frame["errors"][0] if reply.frame["errors"] else reply.data)


def _shape(data: Any) -> Any:
    if isinstance(data, dict) and data.get("type", "").startswith("/problems/"):
        return {key: value for key, value in data.items() if key != "request_id"}
    return data
