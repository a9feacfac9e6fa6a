"""Messages are sent, edited and deleted, by REST and on both sockets."""

from __future__ import annotations

from uuid import uuid4

from tests.fold.case import (
    APPEND,
    DELETE,
    EDIT,
    FINISH,
    ROOM_SOCKET,
    SEND,
    case,
)
from tests.fold.world import World, new_message


@case(SEND)
async def send_by_rest(world: World) -> None:
    await world.rest(world.bob, SEND, new_message("hi", metadata={"mood": "good", "n": [1, 1.5, None, True]}))


@case("send_message")
async def send_by_socket(world: World) -> None:
    await world.act(world.dora, "send_message", **new_message("hi"))


@case(SEND, changes=False)
async def retry_a_send(world: World) -> None:
    sent = world.messages["bob"]
    await world.rest(world.bob, SEND, {"client_id": sent["client_id"], "text": sent["text"]})


@case("send_messages")
async def send_many(world: World) -> None:
    items = [new_message(f"m{n}") for n in range(30)]
    await world.act(world.alice, "send_messages", items=items)


@case(SEND, kind="public")
async def reply_in_public(world: World) -> None:
    await world.rest(world.bob, SEND, new_message("so she was", reply_to=world.messages["alice"]["id"]))


@case("send_message")
async def reply_by_socket(world: World) -> None:
    await world.act(world.bob, "send_message", **new_message("so she was", reply_to=world.messages["eve"]["id"]))


@case(EDIT)
async def edit_text(world: World) -> None:
    await world.rest(world.alice, EDIT, {"text": "better"}, message_id=world.messages["newest"]["id"])


@case(EDIT)
async def edit_metadata(world: World) -> None:
    await world.rest(world.bob, EDIT, {"metadata": {"seen": True}}, message_id=world.messages["bob"]["id"])


@case("edit_message")
async def edit_twice_by_socket(world: World) -> None:
    for text in ("better", "best"):
        await world.act(world.bob, "edit_message", message_id=world.messages["bob"]["id"], text=text)


@case(DELETE)
async def delete_the_newest_unread_message(world: World) -> None:
    await world.rest(world.alice, DELETE, message_id=world.messages["newest"]["id"])


@case("edit_message", "delete_message")
async def edit_and_delete_by_socket(world: World) -> None:
    message = await world.post_message(world.bob, "soon gone", reply_to=world.messages["alice"]["id"])
    await world.act(world.bob, "edit_message", message_id=message["id"], text="going")
    await world.act(world.bob, "delete_message", message_id=message["id"])


@case(DELETE)
async def an_admin_deletes(world: World) -> None:
    await world.rest(world.dora, DELETE, message_id=world.messages["alice"]["id"])


@case("delete_message")
async def an_owner_deletes_a_message_of_a_former_member(world: World) -> None:
    await world.act(world.alice, "delete_message", message_id=world.messages["eve"]["id"])


@case(ROOM_SOCKET, kind="public", slug="unique")
async def send_by_room_socket(world: World) -> None:
    socket = await world.bob.connect(path=f"/ws/chat/{world.room['slug']}/")
    await socket.send_json({"message": "hi"})
    await socket.find(lambda frame: frame.get("message") == "hi")
    world.made.add(ROOM_SOCKET)


@case(ROOM_SOCKET, kind="public", slug="unique")
async def join_by_room_socket(world: World) -> None:
    for who, text in ((world.charlie, "hello"), (world.eve, "again")):
        socket = await who.connect(path=f"/ws/chat/{world.room['slug']}/")
        await socket.send_json({"message": text})
        await socket.find(lambda frame, text=text: frame.get("message") == text)  # type: ignore[misc]
    world.made.add(ROOM_SOCKET)


@case(ROOM_SOCKET)
async def create_a_room_by_room_socket(world: World) -> None:
    socket = await world.charlie.connect(path=f"/ws/chat/room-{uuid4().hex}/")
    await socket.send_json({"message": "anybody here?"})
    await socket.find(lambda frame: "message" in frame)
    world.made.add(ROOM_SOCKET)


@case(SEND, APPEND, FINISH)
async def stream_by_rest(world: World) -> None:
    sent = await world.rest(world.bob, SEND, new_message("Twinkle", streaming=True))
    await world.rest(world.bob, APPEND, {"offset": 7, "text": ", twinkle"}, message_id=sent["id"])
    await world.rest(world.bob, APPEND, {"offset": 7, "text": ", twinkle"}, message_id=sent["id"])
    await world.rest(world.bob, FINISH, {}, message_id=sent["id"])


@case("send_message", "append_message", "finish_message")
async def stream_by_socket_and_finish_with_another_text(world: World) -> None:
    sent = await world.act(world.alice, "send_message", **new_message("", streaming=True))
    await world.act(world.alice, "append_message", message_id=sent["id"], offset=0, text="Up above")
    await world.act(world.alice, "finish_message", message_id=sent["id"], text="Like a tea-tray in the sky")


@case(SEND, APPEND)
async def leave_a_stream_open(world: World) -> None:
    sent = await world.rest(world.bob, SEND, new_message("Twinkle", streaming=True))
    await world.rest(world.bob, APPEND, {"offset": 7, "text": ", little bat"}, message_id=sent["id"])


@case(SEND, APPEND, DELETE)
async def delete_a_stream(world: World) -> None:
    sent = await world.rest(world.bob, SEND, new_message("Twinkle", streaming=True))
    await world.rest(world.bob, APPEND, {"offset": 7, "text": ", little bat"}, message_id=sent["id"])
    await world.rest(world.bob, DELETE, message_id=sent["id"])
