"""The protocols of the servers: connect, enter rooms, send messages, read deliveries."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import uuid4

import orjson

Texts = Sequence[str]


class PeerState(Protocol):
    """The part of a socket that a dialect uses."""

    token: str
    rooms: Sequence[str]
    awaited: int

    def send_text(self, frame: bytes) -> None:
        """Send a text frame."""

    def be_ready(self) -> None:
        """Mark the socket as ready: it is in all its rooms."""

    def acknowledge(self, tag: str, status: int) -> None:
        """Record the reply to a send."""

    def report_error(self, what: str) -> None:
        """Record a fault of the server."""


class Dialect(Protocol):
    """The frames of one server's protocol."""

    sends_without_receiving: bool  # True when a socket can send to a room without receiving its messages

    def path(self, peer: PeerState) -> str:
        """The path at which the socket is opened."""

    def headers(self, peer: PeerState) -> dict[str, str]:
        """The headers of the handshake."""

    def begin(self, peer: PeerState) -> None:
        """Send the first frame, if the client has to; a server that begins needs none."""
        return

    def read(self, payload: bytes) -> tuple[Texts, Any]:
        """Parse a frame: its messages, and the rest for `receive` (None: nothing). Does not depend on the socket."""

    def receive(self, peer: PeerState, frame: Any) -> None:
        """Process a frame that is not a message."""

    def message(self, room: str, text: str, tag: str) -> bytes:
        """Build the frame that sends a message."""


class Tutorial(Dialect):
    """{"message": ...} both ways; the room is the path."""

    sends_without_receiving = False

    def __init__(self, variant: str) -> None:
        self.variant = variant

    def path(self, peer: PeerState) -> str:
        return f"/ws/{self.variant}/chat/{peer.rooms[0].replace('-', '')}/"

    def headers(self, peer: PeerState) -> dict[str, str]:
        return {"Origin": "http://127.0.0.1"}

    def read(self, payload: bytes) -> tuple[Texts, Any]:
        return [orjson.loads(payload)["message"]], None

    def receive(self, peer: PeerState, frame: Any) -> None:
        peer.report_error(f"received {frame}")

    def message(self, room: str, text: str, tag: str) -> bytes:
        return orjson.dumps({"message": text})


class Parley(Dialect):
    """Authenticate in the handshake, subscribe to each room; a send is acknowledged."""

    sends_without_receiving = True

    def path(self, peer: PeerState) -> str:
        return "/v1/ws"

    def headers(self, peer: PeerState) -> dict[str, str]:
        return {"Authorization": f"Bearer {peer.token}"}

    def read(self, payload: bytes) -> tuple[Texts, Any]:
        frame = orjson.loads(payload)
        if frame["action"] != "events":
            return (), frame
        texts = [event["data"]["text"] for event in frame["data"] if event["type"] == "message.created"]
        return texts, None if len(texts) == len(frame["data"]) else frame

    def receive(self, peer: PeerState, frame: Any) -> None:
        action = frame["action"]
        if action == "hello":
            for room in peer.rooms:
                peer.send_text(orjson.dumps({"action": "subscribe", "request_id": room, "room_id": room}))
            if not peer.rooms:
                peer.be_ready()
        elif action == "events":
            peer.awaited -= sum(event["type"] == "room.synced" for event in frame["data"])
            if peer.awaited == 0:
                peer.be_ready()
        elif action == "send_message":
            peer.acknowledge(frame["request_id"], frame["response_status"])
        elif frame.get("response_status") != 200:
            peer.report_error(f"received {frame}")

    def message(self, room: str, text: str, tag: str) -> bytes:
        body = {"action": "send_message", "request_id": tag, "room_id": room, "client_id": uuid4().hex, "text": text}
        return orjson.dumps(body)


class SocketIo(Dialect):
    """Engine.IO 4 and Socket.IO 5 over one websocket, as the packets look on the wire."""

    sends_without_receiving = True

    def path(self, peer: PeerState) -> str:
        return "/socket.io/?EIO=4&transport=websocket"

    def headers(self, peer: PeerState) -> dict[str, str]:
        return {}

    def read(self, payload: bytes) -> tuple[Texts, Any]:
        if payload.startswith(b"42"):
            return [orjson.loads(payload[2:])[1]], None
        return (), payload

    def receive(self, peer: PeerState, frame: Any) -> None:
        if frame == b"2":
            peer.send_text(b"3")
        elif frame.startswith(b"0"):
            peer.send_text(b"40")
        elif frame.startswith(b"40"):
            for number, room in enumerate(peer.rooms):
                peer.send_text(b"42%d" % number + orjson.dumps(["join", room]))
            if not peer.rooms:
                peer.be_ready()
        elif frame.startswith(b"43"):
            peer.awaited -= 1
            if peer.awaited == 0:
                peer.be_ready()

    def message(self, room: str, text: str, tag: str) -> bytes:
        return b"42" + orjson.dumps(["say", room, text])
