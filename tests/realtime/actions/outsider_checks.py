"""Checks of an action: its errors for somebody outside the room, and the comparison with its REST twin."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from tests.answers import Reply
from tests.sockets import Account

NOWHERE = "01890000-0000-7000-8000-000000000000"


async def try_as_outsider(
    outsider: Account, owner: Account, action: str, **body: Any
) -> dict[str, tuple[int, str | None]]:
    """Calls an action as somebody who was never in the room; returns the errors by kind of room."""
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


REFUSED = {"private": (404, "not_found"), "public": (403, "room.not_member"), "nowhere": (404, "not_found")}


def rest_result(response: httpx.Response) -> tuple[int, Any]:
    """Returns status and data of a response, a problem without its request_id, to compare with socket_result()."""
    return response.status_code, _shape(response.json() if response.content else None)


def socket_result(reply: Reply) -> tuple[int, Any]:
    """Returns the same of a reply."""
    return reply.status, _shape(reply.frame["errors"][0] if reply.frame["errors"] else reply.data)


def _shape(data: Any) -> Any:
    if isinstance(data, dict) and data.get("type", "").startswith("/problems/"):
        return {key: value for key, value in data.items() if key != "request_id"}
    return data
