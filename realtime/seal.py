"""Authenticated hints: an HMAC in front of each message on the channel layer, so that Redis is not trusted for content.

The key comes from SECRET_KEY by HKDF (RFC 5869), for this use alone. A message is made with SECRET_KEY and accepted
with it and with SECRET_KEY_FALLBACKS. The HMAC covers the version, the channel, the epoch, the seq and the body.
"""

import hmac
import time
from collections.abc import Sequence
from typing import Any

import orjson

Message = dict[str, Any]

VERSION = b"parley hint 1\n"
EXPIRE_SECONDS = 30.0  # for a message that is not in the log; it also bounds how far two servers' clocks may differ
SENDERS = 1_000  # whose last stamp is kept; a restarted process is a new sender
DURABLE = "hint"  # its events have a seq, so a replay changes nothing


class Forged(Exception):
    """The message was not made with our key, is damaged, or arrived too late."""


def derive_key(secret: str) -> bytes:
    """32 bytes by HKDF-SHA-256: extract, then the one block of expand that is needed."""
    extracted = hmac.digest(b"parley", secret.encode(), "sha256")
    return hmac.digest(extracted, VERSION + b"\x01", "sha256")


class Seal:
    """Seals the messages that this process publishes, and opens those that it receives.

    A sealed message is `{"type": "sealed", "mac": ..., "body": ...}`; the body is a line of JSON with the group, the
    time and all fields but `json`, and then a line for each rendered event, which holds no line break of its own.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        """Messages are made with the first secret and accepted with all of them."""
        self._keys = [derive_key(secret) for secret in secrets]
        self._stamp = 0
        self._newest: dict[str, int] = {}  # the stamp of the newest message outside the log, by sender

    def sign(self, group: str, message: Message) -> Message:
        """Seal a message for the channel layer."""
        # In microseconds and never the same twice, also when the clock stands or goes back.
        self._stamp = max(self._stamp + 1, time.time_ns() // 1_000)
        events = message.get("json", ())
        head = {**message, "group": group, "stamp": self._stamp, "json": len(events)}
        body = b"\n".join([orjson.dumps(head), *events])
        return {"type": "sealed", "mac": hmac.digest(self._keys[0], VERSION + body, "sha256"), "body": body}

    def verify(self, sealed: Message) -> Message:
        """Return the message that was sealed. Raises Forged for anything else."""
        mac, body = sealed.get("mac"), sealed.get("body")
        if not isinstance(mac, bytes) or not isinstance(body, bytes):
            raise Forged
        if not any(hmac.compare_digest(mac, hmac.digest(key, VERSION + body, "sha256")) for key in self._keys):
            raise Forged
        head, *events = body.split(b"\n")
        message: Message = orjson.loads(head)
        message["json"] = events
        if message["type"] != DURABLE:
            self._check_time(message["from"], message["stamp"])
        return message

    def _check_time(self, sender: str, stamp: int) -> None:
        """Reject a message that is too old or was received before: without a seq it cannot be recognised otherwise."""
        if abs(time.time_ns() // 1_000 - stamp) > EXPIRE_SECONDS * 1_000_000:
            raise Forged
        newest = self._newest.pop(sender, 0)
        self._newest[sender] = max(newest, stamp)  # at the end of the dictionary: the longest silent is the first
        if stamp <= newest:
            raise Forged
        if len(self._newest) > SENDERS:
            del self._newest[next(iter(self._newest))]
