"""JWT_JWKS_URL: the keys of an identity provider, their rotation, and a provider that does not answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

from accounts import jwks
from accounts.jwks import KeySet
from tests.clients import Person
from tests.identity.backends import claims, sign
from tests.servers import ParleyServer
from wire.problems import Problem

URL = "/v1/auth/exchange"
OLD, NEW = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def jwk_of(private: Any, kid: str | None, **more: Any) -> dict[str, Any]:
    public = private.public_key()
    kinds: list[Any] = [
        (ec.EllipticCurvePublicKey, ECAlgorithm),
        (rsa.RSAPublicKey, RSAAlgorithm),
        (object, OKPAlgorithm),
    ]
    algorithm = next(algorithm for kind, algorithm in kinds if isinstance(public, kind))
    return {**json.loads(algorithm.to_jwk(public)), **({"kid": kid} if kid else {}), **more}


class Provider:
    """An identity provider: what it answers, how often it was asked, and in which traces."""

    def __init__(self) -> None:
        self.keys: list[Any] = [jwk_of(OLD, "old")]
        self.status, self.asked = 200, 0
        self.traces: list[str | None] = []
        self.body: bytes | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                outer.traces.append(self.headers["traceparent"])
                body = json.dumps({"keys": outer.keys}).encode() if outer.body is None else outer.body
                self.send_response(outer.status)
                if outer.status == 302:
                    self.send_header("Location", "/elsewhere")
                    outer.status = 200
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    found = Provider()
    settings.JWT_JWKS_URL, settings.JWT_AUDIENCE = found.url, "parley"
    yield found
    found.server.shutdown()
    found.server.server_close()


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def status_of(private: Any, algorithm: str = "ES256", **header: Any) -> int:
    answer = Person().post(URL, {"token": sign(claims(), private, algorithm, **header)})
    assert answer.status_code in (200, 503) or answer.json()["code"] == "auth.invalid_token"
    return int(answer.status_code)


@pytest.mark.django_db
def test_it_works_and_is_read_once(provider: Provider) -> None:
    assert [status_of(OLD, kid="old") for _ in range(5)] == [200] * 5
    assert provider.asked == 1


def test_the_read_is_in_the_trace_of_the_request_that_needs_the_key(provider: Provider) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with ParleyServer(env={"JWT_JWKS_URL": provider.url, "JWT_AUDIENCE": "parley"}) as server:
        answers = [
            httpx.post(
                f"{server.url}{URL}",
                json={"token": sign(claims(), OLD, "ES256", kid=kid)},
                headers={"traceparent": trace} if kid == "old" else {},
                trust_env=False,
            )
            for kid in ("old", "unknown")
        ]

    assert [each.status_code for each in answers] == [200, 401]
    assert answers[0].headers["traceparent"].startswith(trace[:36])
    assert provider.traces == [answers[0].headers["traceparent"], None]


@pytest.mark.django_db
def test_the_keys_of_three_kinds(provider: Provider) -> None:
    rsa_key, ed_key = rsa.generate_private_key(65_537, 2_048), ed25519.Ed25519PrivateKey.generate()
    provider.keys += [jwk_of(rsa_key, "r", use="sig", alg="RS256"), jwk_of(ed_key, "e")]

    assert status_of(rsa_key, "RS256", kid="r") == status_of(ed_key, "EdDSA", kid="e") == 200
    assert status_of(rsa_key, "PS256", kid="r") == status_of(rsa_key, "RS256", kid="e") == 401


@pytest.mark.django_db
def test_a_sole_key_needs_no_kid(provider: Provider) -> None:
    assert status_of(OLD) == 200

    provider.keys.append(jwk_of(NEW, "new"))
    assert KeySet(provider.url).find(None) is None


@pytest.mark.parametrize("kid", ["new", "../../etc/passwd", "' OR 1=1 --", "http://127.0.0.1:1/", ""])
def test_kid_injection(provider: Provider, kid: str) -> None:
    assert KeySet(provider.url).find(kid) is None


@pytest.mark.django_db
@pytest.mark.parametrize("kid", [5, ["old"], {}, True])
def test_a_kid_of_the_wrong_type(provider: Provider, kid: Any) -> None:
    from tests.identity.test_jwt_attacks import forge

    answer = Person().post(URL, {"token": forge({"alg": "ES256", "kid": kid}, claims())})

    assert (answer.status_code, answer.json()["code"]) == (401, "auth.invalid_token")


def test_a_key_that_is_new_just_after_a_read_is_read_at_once(provider: Provider, clock: Clock) -> None:
    keys = KeySet(provider.url, clock)
    assert keys.find("old") is not None
    provider.keys = [jwk_of(NEW, "new")]

    clock.now += 1
    at_once = keys.find("new")

    assert (at_once is not None, keys.find("old")) == (True, None)
    assert provider.asked == 2


def test_a_rotated_key_is_read_within_a_minute(provider: Provider, clock: Clock) -> None:
    keys = KeySet(provider.url, clock)
    keys.find("old")
    clock.now += 1
    keys.find("invented by somebody")
    provider.keys = [jwk_of(NEW, "new")]

    too_early = keys.find("new")
    clock.now += jwks.UNKNOWN_SECONDS
    later = keys.find("new")

    assert (too_early, later is not None) == (None, True)
    assert provider.asked == 3


def test_unknown_kids_cause_one_read_a_minute(provider: Provider, clock: Clock) -> None:
    keys = KeySet(provider.url, clock)

    for n in range(100):
        assert keys.find(f"{n}") is None
        clock.now += 1

    assert provider.asked == 1 + 2  # the ordinary read, and two for unknown kids


def test_unknown_kids_do_not_ask_a_provider_that_has_just_failed(provider: Provider, clock: Clock) -> None:
    keys = KeySet(provider.url, clock)
    keys.find("old")
    provider.status = 500

    clock.now += jwks.FRESH_SECONDS
    answers = [keys.find(kid) for kid in ("old", "new", "newer")]

    assert [answer is not None for answer in answers] == [True, False, False]
    assert provider.asked == 2


def test_a_key_that_was_taken_back_counts_for_five_minutes(provider: Provider, clock: Clock) -> None:
    keys = KeySet(provider.url, clock)
    keys.find("old")
    provider.keys = [jwk_of(NEW, "new")]

    clock.now += jwks.FRESH_SECONDS - 1
    before = keys.find("old")
    clock.now += 1

    assert (before is not None, keys.find("old")) == (True, None)


@pytest.mark.parametrize("failure", ["status", "redirect", "no JSON", "no keys", "huge"])
def test_keys_outlive_a_provider_that_fails(
    provider: Provider, clock: Clock, failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    keys = KeySet(provider.url, clock)
    keys.find("old")
    provider.status = {"status": 500, "redirect": 302}.get(failure, 200)
    provider.body = {"no JSON": b"<html>", "no keys": b"{}", "huge": b" " * (jwks.MAX_BYTES + 1)}.get(failure)

    clock.now += jwks.FRESH_SECONDS
    stale = keys.find("old")
    clock.now += jwks.STALE_SECONDS
    provider.status = 500

    assert stale is not None
    with pytest.raises(Problem) as refused:
        keys.find("old")
    assert refused.value.code == "unavailable"
    assert "cannot be read" in caplog.text


@pytest.mark.django_db
def test_without_a_provider_the_exchange_is_unavailable(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    provider.status = 500

    assert [status_of(OLD, kid="old") for _ in range(5)] == [503] * 5
    assert provider.asked == 1


def test_keys_that_must_not_verify_are_left_out(provider: Provider) -> None:
    small, other = rsa.generate_private_key(65_537, 1_024), ec.generate_private_key(ec.SECP384R1())
    provider.keys = [
        json.loads(HMACAlgorithm.to_jwk("a secret that somebody published")) | {"kid": "oct"},
        jwk_of(OLD, "enc", use="enc"),
        jwk_of(OLD, "ops", key_ops=["sign"]),
        jwk_of(OLD, "alg", alg="RS256"),
        jwk_of(small, "small"),
        jwk_of(other, "P-384"),
        {"kty": "EC", "kid": "broken", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kid": "empty"},
        "a string",
        jwk_of(OLD, None),
        jwk_of(OLD, "right"),
    ]
    keys = KeySet(provider.url)

    names = ("oct", "enc", "ops", "alg", "small", "P-384", "broken", "empty", "right")
    assert [name for name in names if keys.find(name) is not None] == ["right"]


def test_threads_share_a_read(provider: Provider) -> None:
    keys = KeySet(provider.url)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(keys.find("old"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [each is not None for each in found] == [True] * 8
    assert provider.asked == 1
