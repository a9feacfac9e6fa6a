"""Operations of devices: each is called, answered and recorded, and retried elsewhere when its outcome is unknown."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.chaos.device import Device
from tests.chaos.history import Record
from tests.chaos.rest import Answer

DISCARDED = 0.3  # of all acknowledgements: the client acts as if they had never come
ATTEMPTS = 20
MARKS = ((0.06, "[drop] "), (0.10, "[dup] "), (0.14, "[late] "))


def canary() -> str:
    """A token that is in no other message."""
    return f"cnry{uuid4().hex[:12]}"


async def call(
    device: Device,
    what: str,
    *,
    via: str,
    action: tuple[str, dict[str, Any]] | None = None,
    rest: tuple[str, str, object] | None = None,
    server: int | None = None,
    token: tuple[str, str] | None = None,
    **facts: Any,
) -> tuple[Answer, Record]:
    """One attempt by socket or by REST, between its two records. `token` is another (token, session) to use."""
    history = device.history
    place = device.server if via == "ws" else device.rng.randrange(device.cluster.size) if server is None else server
    op = len(history.records)
    session = token[1] if token else device.session
    who = {"device": device.name, "user": device.person.id, "session": session}
    history.add("call", op=op, what=what, **who, via=via, server=place, **facts)
    if via == "ws":
        assert action is not None
        answer = await device.act(action[0], **action[1])
    else:
        assert rest is not None
        answer = await device.rest(
            rest[0], rest[1], body=rest[2], server=place, token=token[0] if token else device.token
        )
    return answer, history.add("done", op=op, status=answer.status, code=answer.code, **_result_fields(answer))


def _result_fields(answer: Answer) -> dict[str, Any]:
    data = answer.data
    if not isinstance(data, dict) or (answer.status or 500) >= 400:
        return {}
    return {name: data[name] for name in ("id", "seq", "version", "read_seq") if name in data}


async def persist(device: Device, what: str, **attempt: Any) -> Answer:
    """Try until the outcome is known; every attempt after the first goes to another server."""
    via = "ws" if device.socket is not None and attempt.get("action") else "rest"
    for _ in range(ATTEMPTS):
        answer, _ = await call(device, what, via=via, **attempt)
        if not answer.is_unknown:
            return answer
        via = "rest"
        await asyncio.sleep(device.rng.uniform(0.1, 0.5))
    return answer


async def send(device: Device, room: str, text: str = "", *, burst: bool = False, **more: Any) -> Answer:
    """Send one message with any number of retries; three in ten acknowledgements are discarded."""
    draw = device.rng.random()
    mark = next((mark for limit, mark in MARKS if draw < limit), "")
    body = {"client_id": uuid4().hex, "text": f"{mark}{text or canary()}", **more}
    attempt: dict[str, Any] = {
        "action": ("send_message", {"room_id": room, **body}),
        "rest": ("POST", f"rooms/{room}/messages", body),
        "room": room,
        "burst": burst,
        **body,
    }
    via = "ws" if device.socket is not None and draw < 0.8 else "rest"
    elsewhere = (device.server + 1) % device.cluster.size
    answer, done = await call(device, "send", via=via, **attempt)
    for _ in range(ATTEMPTS):
        if not answer.is_unknown and device.rng.random() >= DISCARDED:
            break
        device.history.add("discarded", op=done["op"])
        await asyncio.sleep(device.rng.uniform(0.0, 0.2 if answer.status else 0.5))
        answer, done = await call(device, "send", via="rest", server=elsewhere, **attempt)
        elsewhere = (elsewhere + 1) % device.cluster.size
    return answer


async def stream(device: Device, room: str) -> None:
    """Send a message that is written bit by bit, and finish it."""
    sent = await send(device, room, streaming=True)
    if sent.status not in (200, 201):
        return
    message, offset = sent.data["id"], len(sent.data["text"])
    path, where = f"rooms/{room}/messages/{message}", {"room_id": room, "message_id": message}
    for number in range(device.rng.randrange(1, 6)):
        piece = f" piece {number} of {device.name},"
        body = {"offset": offset, "text": piece}
        answer = await persist(
            device,
            "append",
            action=("append_message", where | body),
            rest=("POST", f"{path}/append", body),
            room=room,
            message=message,
            offset=offset,
            piece=piece,
        )
        if answer.status != 200:
            break
        offset += len(piece)
    await persist(
        device,
        "finish",
        action=("finish_message", where),
        rest=("POST", f"{path}/finish", {}),
        room=room,
        message=message,
    )


async def follow(device: Device, room: str, root: str, on: bool) -> Answer:
    """Follow a thread, or no longer."""
    return await persist(
        device,
        "follow",
        action=("follow_thread" if on else "unfollow_thread", {"room_id": room, "thread_root": root}),
        rest=("PUT" if on else "DELETE", f"rooms/{room}/threads/{root}/follow", None),
        room=room,
        message=root,
    )


async def read_thread(device: Device, room: str, root: str) -> Answer:
    """Read a thread up to where this device is."""
    body = {"seq": device.cursors[room], "thread_root": root}
    return await persist(
        device,
        "read_thread",
        action=("mark_read", {"room_id": room, **body}),
        rest=("POST", f"rooms/{room}/read", body),
        room=room,
        message=root,
    )


async def block(device: Device, user: str, on: bool) -> Answer:
    """Block a user, or end the block."""
    return await persist(
        device,
        "block" if on else "unblock",
        action=("block_user" if on else "unblock_user", {"user_id": user}),
        rest=("PUT" if on else "DELETE", f"me/blocks/{user}", None),
        target=user,
    )


async def edit(device: Device, room: str, message: str) -> Answer:
    """Change a message of mine."""
    body = {"text": canary()}
    path = f"rooms/{room}/messages/{message}"
    return await persist(
        device,
        "edit",
        action=("edit_message", {"room_id": room, "message_id": message, **body}),
        rest=("PATCH", path, body),
        room=room,
        message=message,
        text=body["text"],
    )


async def react(device: Device, room: str, message: str, key: str, on: bool) -> Answer:
    """Add a reaction of mine to a message, or take it back."""
    return await persist(
        device,
        "react",
        action=("react", {"room_id": room, "message_id": message, "key": key, "on": on}),
        rest=("PUT" if on else "DELETE", f"rooms/{room}/messages/{message}/reactions/{key}", None),
        room=room,
        message=message,
        key=key,
        on=on,
    )


async def pin(device: Device, room: str, message: str, on: bool) -> Answer:
    """Pin a message, or unpin it; only owners may."""
    return await persist(
        device,
        "pin",
        action=("pin_message" if on else "unpin_message", {"room_id": room, "message_id": message}),
        rest=("PUT" if on else "DELETE", f"rooms/{room}/pins/{message}", None),
        room=room,
        message=message,
    )


async def delete(device: Device, room: str, message: str) -> Answer:
    """Leave a tombstone of a message of mine."""
    return await persist(
        device,
        "delete",
        action=("delete_message", {"room_id": room, "message_id": message}),
        rest=("DELETE", f"rooms/{room}/messages/{message}", None),
        room=room,
        message=message,
    )


async def mark_read(device: Device, room: str) -> Answer:
    """Read up to where this device is."""
    seq = device.cursors[room]
    return await persist(
        device,
        "read",
        action=("mark_read", {"room_id": room, "seq": seq}),
        rest=("POST", f"rooms/{room}/read", {"seq": seq}),
        room=room,
        seq=seq,
    )


async def read_page(device: Device, room: str) -> None:
    """A page of history, by either face."""
    rng, cursor = device.rng, device.cursors[room]
    where = rng.choice([{}, {"before": max(1, cursor - rng.randrange(30))}, {"after": rng.randrange(cursor + 1)}])
    query = "&".join(f"{name}={value}" for name, value in {**where, "limit": 20}.items())
    via = "ws" if device.socket is not None and rng.random() < 0.5 else "rest"
    answer, _ = await call(
        device,
        "page",
        via=via,
        action=("get_messages", {"room_id": room, **where, "limit": 20}),
        rest=("GET", f"rooms/{room}/messages?{query}", None),
        room=room,
    )
    if answer.status == 200:
        messages = [[each["id"], each["seq"], each["version"], each["text"]] for each in answer.data["results"]]
        device.history.add(
            "page",
            user=device.person.id,
            room=room,
            newest=not where,
            head=answer.data["head"],
            messages=messages,
        )


async def put_member(device: Device, room: str, user: str, role: str | None = None) -> Answer:
    """Add a member."""
    body = {} if role is None else {"role": role}
    return await persist(device, "add", rest=("PUT", f"rooms/{room}/members/{user}", body), room=room, target=user)


async def remove_member(device: Device, room: str, user: str) -> Answer:
    """Remove a member."""
    return await persist(
        device, "remove", rest=("DELETE", f"rooms/{room}/members/{user}", None), room=room, target=user
    )


async def set_sanction(device: Device, kind: str, room: str, user: str, *, on: bool) -> Answer:
    """Ban or mute a user, or lift it; `kind` is `ban` or `mute`."""
    what = f"{'put' if on else 'delete'}_{kind}"
    return await persist(
        device,
        what,
        action=(what, {"room_id": room, "user_id": user}),
        rest=("PUT" if on else "DELETE", f"rooms/{room}/{kind}s/{user}", None),
        room=room,
        target=user,
    )


async def invite(device: Device, room: str, user: str) -> Answer:
    """Invite a user."""
    return await persist(
        device,
        "invite",
        action=("put_invite", {"room_id": room, "user_id": user}),
        rest=("PUT", f"rooms/{room}/invites/{user}", None),
        room=room,
        target=user,
    )


async def join(device: Device, room: str) -> Answer:
    """Enter a public room."""
    return await persist(device, "join", rest=("POST", f"rooms/{room}/join", None), room=room)


async def leave(device: Device, room: str) -> Answer:
    """Leave a room."""
    return await persist(device, "leave", rest=("POST", f"rooms/{room}/leave", None), room=room)


async def revoke(device: Device, other: Device) -> None:
    """End the session of another device of the same user, and let that one try to write at once."""
    token, session = other.token, other.session
    await persist(device, "revoke", rest=("DELETE", f"auth/sessions/{session}", None), target=session)
    await _write_once_more(other, token, session)


async def log_out(device: Device) -> None:
    """End this device's own session."""
    token, session = device.token, device.session
    await persist(device, "revoke", rest=("POST", "auth/logout", None), target=session)
    await _write_once_more(device, token, session)


async def _write_once_more(device: Device, token: str, session: str) -> None:
    room = next(iter(device.rooms), None)
    if room is None:
        return
    for via in ("ws", "rest"):
        if via == "ws" and (device.socket is None or device.session != session):
            continue
        body: dict[str, Any] = {"client_id": uuid4().hex, "text": canary()}
        await call(
            device,
            "send",
            via=via,
            token=(token, session),
            action=("send_message", {"room_id": room, **body}),
            rest=("POST", f"rooms/{room}/messages", body),
            room=room,
            **body,
        )
