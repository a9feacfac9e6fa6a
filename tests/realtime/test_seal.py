"""Messages on the channel layer carry an HMAC: forged, changed, old and repeated ones are dropped."""

from __future__ import annotations

import time
from typing import Any

import pytest

from realtime.seal import EXPIRE_SECONDS, Forged, Message, Seal, derive_key

OLD, NEW = "old-secret-" * 5, "new-secret-" * 5
HINT: Message = {"type": "hint", "from": "p1", "stream": "s", "epoch": 1, "json": [b'{"seq":1}', b'{"seq":2}']}
TYPING: Message = {"type": "typing", "from": "p1", "stream": "s", "user": "u", "on": True, "min": 1}


def test_it_works() -> None:
    opened = Seal([NEW]).verify(Seal([NEW]).sign("stream.s", HINT))

    assert opened.items() >= HINT.items()


def test_a_fallback_key_is_accepted() -> None:
    assert Seal([NEW, OLD]).verify(Seal([OLD]).sign("stream.s", HINT))["stream"] == "s"

    with pytest.raises(Forged):
        Seal([NEW]).verify(Seal([OLD]).sign("stream.s", HINT))
    with pytest.raises(Forged):
        Seal([OLD]).verify(Seal([NEW, OLD]).sign("stream.s", HINT))


def test_a_changed_byte_makes_a_forgery() -> None:
    sealed = Seal([NEW]).sign("stream.s", HINT)

    for place in range(len(sealed["body"])):
        changed = bytearray(sealed["body"])
        changed[place] ^= 1
        with pytest.raises(Forged):
            Seal([NEW]).verify({**sealed, "body": bytes(changed)})


@pytest.mark.parametrize(
    "message", [{}, {"type": "hint"}, HINT, TYPING, {"mac": "", "body": ""}, {"mac": b"", "body": b""}]
)
def test_a_message_without_hmac_is_a_forgery(message: dict[str, Any]) -> None:
    with pytest.raises(Forged):
        Seal([NEW]).verify(message)


def test_a_durable_hint_is_accepted_late_and_repeatedly() -> None:
    """Its events have a seq: the feed knows which are old."""
    sealed, receiver = Seal([NEW]).sign("stream.s", HINT), Seal([NEW])

    assert [receiver.verify(sealed)["json"] for _ in range(2)] == [HINT["json"]] * 2


@pytest.mark.parametrize("kind", ["typing", "tell", "sessions"])
def test_an_ephemeral_message_is_accepted_once(kind: str) -> None:
    sender, receiver = Seal([NEW]), Seal([NEW])
    first, second = (sender.sign("stream.s", {**TYPING, "type": kind, "on": on}) for on in (True, False))
    receiver.verify(first)
    receiver.verify(second)

    for replayed in (first, second):
        with pytest.raises(Forged):
            receiver.verify(replayed)


@pytest.mark.parametrize("seconds", [-EXPIRE_SECONDS - 1, EXPIRE_SECONDS + 1])
def test_an_ephemeral_message_expires(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = Seal([NEW]).sign("stream.s", TYPING)
    now = time.time_ns()
    monkeypatch.setattr("realtime.seal.time.time_ns", lambda: now + int(seconds * 1e9))

    with pytest.raises(Forged):
        Seal([NEW]).verify(sealed)


def test_a_clock_that_goes_back_does_not_block_a_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    sender, receiver = Seal([NEW]), Seal([NEW])
    receiver.verify(sender.sign("stream.s", TYPING))
    now = time.time_ns()
    monkeypatch.setattr("realtime.seal.time.time_ns", lambda: now - 10**9)

    assert receiver.verify(sender.sign("stream.s", TYPING))["user"] == "u"


def test_the_key_is_derived_for_hints_alone() -> None:
    """HKDF-SHA-256 (RFC 5869) with salt `parley` and the version as info, so that other servers can check it."""
    assert derive_key(NEW) != derive_key(OLD)
    assert derive_key(NEW).hex() == derive_key(NEW).hex() != NEW.encode().hex()
    assert len(derive_key(NEW)) == 32
