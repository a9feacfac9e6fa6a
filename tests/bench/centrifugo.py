"""Centrifugo, a compiled server for channels, with its broker on PostgreSQL: its protocol and how it is started.

Each connection and each subscription is authorized by a signed token. The broker keeps each publication with `fsync`
and gives it the next offset of its channel. Centrifugo checks no membership: its application would, when it signs.
"""

import base64
import hashlib
import hmac
import itertools
import os
import shutil
import subprocess
from functools import lru_cache
from typing import Any

import orjson

from tests.bench.dialects import Dialect, PeerState, Texts
from tests.bench.servers import VAR, Backing, OtherServer
from tests.services import ServiceMissing

MODULE = "github.com/centrifugal/centrifugo/v6@v6.9.1"
SECRET = "a-secret-of-the-benchmark"
BUILD_SECONDS = 1_200  # of the first run, on two slow cores


def start_centrifugo(backing: Backing) -> OtherServer:
    """Start a server of its own database. Raises ServiceMissing where Go or its modules are not to be had."""
    folder = VAR / "centrifugo"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "centrifugo"
    if not program.exists():
        if not (go := shutil.which("go")):
            raise ServiceMissing("Go is not installed")
        built = subprocess.run(
            [go, "install", MODULE], env={**os.environ, "GOBIN": str(folder)},
            capture_output=True, text=True, check=False, timeout=BUILD_SECONDS,
        )  # fmt: skip
        if built.returncode:
            raise ServiceMissing(f"go install failed: {built.stderr.strip()[-300:]}")
    config = folder / "config.json"
    config.write_bytes(orjson.dumps(_configuration(backing.new_database())))
    command = [str(program), "--config", str(config), "--http_server.port", "$PORT"]
    return OtherServer("centrifugo", command, {}, folder).start()


def _configuration(database_url: str) -> dict[str, Any]:
    history = {"history_size": 10_000, "history_ttl": "1h", "force_recovery": True}
    # A notification wakes one worker: with several, a delivery may wait 100 ms for the next poll.
    database = {"dsn": database_url, "use_notify": True, "num_shards": 1}
    return {
        "http_server": {"address": "127.0.0.1"},
        "log": {"level": "error"},
        "client": {"token": {"hmac_secret_key": SECRET}, "allowed_origins": ["*"]},
        "channel": {"without_namespace": {**history, "allow_publish_for_client": True}},
        "broker": {"enabled": True, "type": "postgres", "postgres": database},
    }


@lru_cache(100_000)
def make_token(**claims: str) -> str:
    """A signed JSON Web Token, as an application makes it for its user."""
    parts = [_encode(orjson.dumps(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signature = hmac.digest(SECRET.encode(), b".".join(parts), hashlib.sha256)
    return b".".join([*parts, _encode(signature)]).decode()


def _encode(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


class Centrifugo(Dialect):
    """Connect with a token, subscribe to each channel with a token; a publication is acknowledged."""

    sends_without_receiving = True

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._tags: dict[int, str] = {}  # by the ids of publications that are not acknowledged yet
        self._channels: dict[int, str] = {}  # by the ids of subscriptions without a reply

    def path(self, peer: PeerState) -> str:
        return "/connection/websocket"

    def headers(self, peer: PeerState) -> dict[str, str]:
        return {}

    def begin(self, peer: PeerState) -> None:
        peer.send_text(orjson.dumps({"id": next(self._ids), "connect": {"token": make_token(sub=peer.token)}}))

    def read(self, payload: bytes) -> tuple[Texts, Any]:
        frames = [orjson.loads(line) for line in payload.splitlines()]
        texts = [frame["push"]["pub"]["data"]["text"] for frame in frames if "pub" in frame.get("push", ())]
        others = [frame for frame in frames if "push" not in frame]
        return texts, others or None

    def receive(self, peer: PeerState, frame: Any) -> None:
        for reply in frame:
            if not reply:
                peer.send_text(b"{}")  # a ping
            elif "connect" in reply:
                for channel in peer.rooms:
                    number = next(self._ids)
                    self._channels[number] = channel
                    peer.send_text(orjson.dumps({"id": number, "subscribe": self.subscription(peer, channel)}))
                if not peer.rooms:
                    peer.be_ready()
            elif "subscribe" in reply:
                self.subscribed(peer, self._channels.pop(reply["id"]), reply["subscribe"])
                peer.awaited -= 1
                if peer.awaited == 0:
                    peer.be_ready()
            elif "publish" in reply:
                peer.acknowledge(self._tags.pop(reply["id"]), 201)
            else:
                peer.report_error(f"received {reply}")

    def message(self, room: str, text: str, tag: str) -> bytes:
        number = next(self._ids)
        self._tags[number] = tag
        return orjson.dumps({"id": number, "publish": {"channel": room, "data": {"text": text}}})

    def subscription(self, peer: PeerState, channel: str) -> dict[str, Any]:
        """The body of a subscription to a channel."""
        return {"channel": channel, "token": make_token(sub=peer.token, channel=channel)}

    def subscribed(self, peer: PeerState, channel: str, reply: dict[str, Any]) -> None:
        """Take the reply to a subscription."""


class Recovering(Centrifugo):
    """A device that reconnects: it recovers the publications after its position in each channel, and counts them."""

    def __init__(self, positions: dict[str, tuple[int, str]], missed: int) -> None:
        super().__init__()
        self.positions, self.missed = positions, missed  # an offset and the epoch, by channel

    def subscription(self, peer: PeerState, channel: str) -> dict[str, Any]:
        offset, epoch = self.positions[channel]
        return {**super().subscription(peer, channel), "recover": True, "offset": offset, "epoch": epoch}

    def subscribed(self, peer: PeerState, channel: str, reply: dict[str, Any]) -> None:
        publications = reply.get("publications", ())
        if not reply.get("recovered") or len(publications) != self.missed:
            peer.report_error(f"recovered {len(publications)} of {self.missed} publications")
