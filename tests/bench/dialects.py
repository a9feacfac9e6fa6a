"""The protocols of the servers: connect, enter rooms, send messages, read deliveries."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import uuid4

import orjson

Texts = Sequence[str]


class Speaker(Protocol):
    """The part of a socket that a dialect uses."""

    token: str
    rooms: Sequence[str]
    awaited: int

    def say(self, frame: bytes) -> None:
        """Send a text frame."""

    def be_ready(self) -> None:
        """All rooms are entered."""

    def acknowledge(self, tag: str, status: int) -> None:
        """A send was answered."""

    def complain(self, what: str) -> None:
        """The server did what it should not."""


class Dialect(Protocol):
    """One server's words."""

    speaks_apart: bool  # whether somebody can send to a room without hearing it

    def path(self, speaker: Speaker) -> str:
        """The path at which the socket is opened."""

    def headers(self, speaker: Speaker) -> dict[str, str]:
        """The headers of the handshake."""

    def read(self, payload: bytes) -> tuple[Texts, Any]:
        """The messages in a frame, and whatever else `hear` must see (None: nothing). Never depends on the socket."""

    def hear(self, speaker: Speaker, frame: Any) -> None:
        """Go on after a frame that is not a message."""

    def message(self, room: str, text: str, tag: str) -> bytes:
        """The frame that says something."""


class Tutorial:
    """{"message": ...} both ways; the room is the path."""

    speaks_apart = False

    def __init__(self, variant: str) -> None:
        self.variant = variant

    def path(self, speaker: Speaker) -> str:
        return f"/ws/{self.variant}/chat/{speaker.rooms[0].replace('-', '')}/"

    def headers(self, speaker: Speaker) -> dict[str, str]:
        return {"Origin": "http://127.0.0.1"}

    def read(self, payload: bytes) -> tuple[Texts, Any]:
        return [orjson.loads(payload)["message"]], None

    def hear(self, speaker: Speaker, frame: Any) -> None:
        speaker.complain(f"heard {frame}")

    def message(self, room: str, text: str, tag: str) -> bytes:
        return orjson.dumps({"message": text})


class Parley:
    """Authenticate in the handshake, subscribe to each room; a send is acknowledged."""

    speaks_apart = True

    def path(self, speaker: Speaker) -> str:
        return "/v1/ws"

    def headers(self, speaker: Speaker) -> dict[str, str]:
        return {"Authorization": f"Bearer {speaker.token}"}

    def read(self, payload: bytes) -> tuple[Texts, Any]:
        frame = orjson.loads(payload)
        if frame["action"] != "events":
            return (), frame
        texts = [event["data"]["text"] for event in frame["data"] if event["type"] == "message.created"]
        return texts, None if len(texts) == len(frame["data"]) else frame

    def hear(self, speaker: Speaker, frame: Any) -> None:
        action = frame["action"]
        if action == "hello":
            for room in speaker.rooms:
                speaker.say(orjson.dumps({"action": "subscribe", "request_id": room, "room_id": room}))
            if not speaker.rooms:
                speaker.be_ready()
        elif action == "events":
            speaker.awaited -= sum(event["type"] == "room.synced" for event in frame["data"])
            if speaker.awaited == 0:
                speaker.be_ready()
        elif action == "send_message":
            speaker.acknowledge(frame["request_id"], frame["response_status"])
        elif frame.get("response_status") != 200:
            speaker.complain(f"heard {frame}")

    def message(self, room: str, text: str, tag: str) -> bytes:
        body = {"action": "send_message", "request_id": tag, "room_id": room, "client_id": uuid4().hex, "text": text}
        return orjson.dumps(body)


class SocketIo:
    """Engine.IO 4 and Socket.IO 5 over one websocket, as the packets look on the wire."""

    speaks_apart = True

    def path(self, speaker: Speaker) -> str:
        return "/socket.io/?EIO=4&transport=websocket"

    def headers(self, speaker: Speaker) -> dict[str, str]:
        return {}

    def read(self, payload: bytes) -> tuple[Texts, Any]:
        if payload.startswith(b"42"):
            return [orjson.loads(payload[2:])[1]], None
        return (), payload

    def hear(self, speaker: Speaker, frame: Any) -> None:
        if frame == b"2":
            speaker.say(b"3")
        elif frame.startswith(b"0"):
            speaker.say(b"40")
        elif frame.startswith(b"40"):
            for number, room in enumerate(speaker.rooms):
                speaker.say(b"42%d" % number + orjson.dumps(["join", room]))
            if not speaker.rooms:
                speaker.be_ready()
        elif frame.startswith(b"43"):
            speaker.awaited -= 1
            if speaker.awaited == 0:
                speaker.be_ready()

    def message(self, room: str, text: str, tag: str) -> bytes:
        return b"42" + orjson.dumps(["say", room, text])
