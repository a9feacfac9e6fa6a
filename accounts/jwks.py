"""The public keys of an identity provider: read from the URL of a setting, kept in memory, and read again in time."""

from __future__ import annotations

import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK, PyJWTError

from wire import calls, strict_json, tracing
from wire.problems import Problem

logger = logging.getLogger(__name__)

FRESH_SECONDS = 300  # the longest time for which a key that the provider took back still counts
UNKNOWN_SECONDS = 60  # between two reads for keys that are not known
STALE_SECONDS = 3_600  # the longest time without an answer of the provider for which its keys still count
RETRY_SECONDS = 5  # between two reads while the provider does not answer
READ_SECONDS = 10.0  # of one read
WAIT_SECONDS = 3.0  # the longest wait for a read by another thread
MAX_BYTES = 64 * 1024
MIN_RSA_BITS = 2_048  # RFC 7518, section 3.3
CURVES: dict[type[ec.EllipticCurve], str] = {ec.SECP256R1: "ES256"}


class VerificationKey(NamedTuple):
    """A key and the one algorithm for which it counts: the header of a token does not choose it."""

    algorithm: str
    key: Any


def algorithm_of(key: object) -> str | None:
    """Return the algorithm of a public key, or None for one that is too short or of another kind."""
    match key:
        case rsa.RSAPublicKey():
            return "RS256" if key.key_size >= MIN_RSA_BITS else None
        case ec.EllipticCurvePublicKey():
            return CURVES.get(type(key.curve))
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            return "EdDSA"
    return None


def read_pem(pem: str) -> VerificationKey:
    """Read a public key in PEM. Raises ValueError for any other text, and for a key of another kind."""
    try:
        key = load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    algorithm = algorithm_of(key)
    if algorithm is None:
        raise ValueError("not a public key of RSA with 2,048 bits or more, P-256 or Ed25519")
    return VerificationKey(algorithm, key)


class KeySet:
    """The keys at one URL (RFC 7517). A read blocks only the threads that need a key which nobody has yet."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._clock = clock
        self._keys: dict[str | None, VerificationKey] = {}
        self._lock = threading.Lock()
        self._read_at = self._failed_at = self._unknown_at = float("-inf")

    def find(self, key_id: str | None) -> VerificationKey | None:
        """Return the key with this id, or the only key for None. Raises Problem unavailable without a provider."""
        began = self._clock()
        if began - self._read_at >= FRESH_SECONDS:
            self._read(for_unknown=False, wait=began - self._read_at >= STALE_SECONDS)
        if key_id not in self._keys and self._read_at < began:
            self._read(for_unknown=True, wait=True)
        if self._clock() - self._read_at >= STALE_SECONDS:
            raise Problem("unavailable", "The keys that sign tokens cannot be read. Try again.")
        return self._keys.get(key_id)

    def _read(self, *, for_unknown: bool, wait: bool) -> None:
        """Read the keys, unless it is too early for that; `wait` for a read by another thread."""
        if not self._is_due(for_unknown) and not (wait and self._lock.locked()):
            return
        if not self._lock.acquire(blocking=wait, timeout=WAIT_SECONDS if wait else -1):
            return
        try:
            if not self._is_due(for_unknown):
                return
            if for_unknown:
                self._unknown_at = self._clock()
            self._keys = _parse(_fetch(self.url))
            self._read_at = self._clock()
        except (OSError, ValueError, HTTPException, Problem) as error:
            self._failed_at = self._clock()
            logger.warning("The keys of JWT_JWKS_URL cannot be read (%r)", error)
        finally:
            self._lock.release()

    def _is_due(self, for_unknown: bool) -> bool:
        """Return whether the keys may be read now.

        Reads for unknown keys have a time of their own, because a key may be new just after an ordinary read; with
        invented ids anybody can cause one of them a minute.
        """
        now = self._clock()
        if now - self._failed_at < RETRY_SECONDS:
            return False
        return now - self._unknown_at >= UNKNOWN_SECONDS if for_unknown else now - self._read_at >= FRESH_SECONDS


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None  # the redirect is then an HTTPError


def _fetch(url: str) -> bytes:
    """Read at most MAX_BYTES in READ_SECONDS, in the trace of the call that needs a key.

    Raises OSError, ValueError or HTTPException.
    """
    deadline, body = time.monotonic() + READ_SECONDS, b""
    headers = {"Accept": "application/json", "User-Agent": "Parley"}
    if (call := calls.current.get()) is not None and call.trace is not None:
        headers[tracing.HEADER.decode()] = call.trace.header()
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.build_opener(_NoRedirects).open(request, timeout=READ_SECONDS) as response:
        while piece := response.read1(16 * 1024):
            body += piece
            if len(body) > MAX_BYTES:
                raise ValueError(f"the answer has more than {MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError("the answer takes too long")
    return body


def _parse(document: bytes) -> dict[str | None, VerificationKey]:
    """Return the usable keys by id; a sole key also stands for None. Raises ValueError or Problem for no key set."""
    listed = strict_json.loads(document)
    if not isinstance(listed, dict) or not isinstance(listed.get("keys"), list):
        raise ValueError("the answer is no key set")
    keys: dict[str | None, VerificationKey] = {}
    for jwk in listed["keys"]:
        key = _parse_one(jwk)
        if key is not None:
            keys[jwk.get("kid")] = key
    if len(keys) == 1:
        keys[None] = next(iter(keys.values()))
    elif None in keys:
        del keys[None]
    return keys


def _parse_one(jwk: Any) -> VerificationKey | None:
    """Return a key for signatures, or None for any other: secrets, keys to encrypt, other algorithms."""
    if not isinstance(jwk, dict) or jwk.get("kty") == "oct" or not isinstance(jwk.get("kid"), str | None):
        return None
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        key = PyJWK({name: value for name, value in jwk.items() if name != "d"}).key
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    algorithm = algorithm_of(key)
    if algorithm is None or jwk.get("alg", algorithm) != algorithm:
        return None
    return VerificationKey(algorithm, key)
