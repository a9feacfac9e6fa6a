"""Known attacks on JWTs (RFC 8725), each with its name, against POST /v1/auth/exchange."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from accounts.models import ExternalIdentity
from tests.clients import Person
from tests.identity.backends import SECRET, claims, sign

URL = "/v1/auth/exchange"
RSA, EC = rsa.generate_private_key(65_537, 2_048), ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
PRIVATE: dict[str, Any] = {"RS256": RSA, "ES256": EC, "EdDSA": ED}


def pem_of(private: Any) -> str:
    pem: bytes = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def encode(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forge(header: object, payload: object, key: bytes = SECRET.encode()) -> str:
    """A token with an HMAC-SHA-256 that any library would refuse to make."""
    signed = f"{encode(header)}.{encode(payload)}"
    return f"{signed}.{encode(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def with_claim(value: str, name: str = "foreign") -> bytes:
    """A valid payload with one claim more, whose value is given as it stands in the JSON."""
    return f'{json.dumps(claims())[:-1]}, "{name}": {value}}}'.encode()


@pytest.fixture
def _rsa(settings: Any) -> None:
    settings.JWT_PUBLIC_KEY, settings.JWT_AUDIENCE = pem_of(RSA), "parley"


def is_refused(token: str) -> bool:
    answer = Person().post(URL, {"token": token})
    made = ExternalIdentity.objects.exists()
    return (answer.status_code, answer.json()["code"], made) == (401, "auth.invalid_token", False)


@pytest.mark.django_db
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_right_token_of_each_algorithm_is_accepted(settings: Any, algorithm: str) -> None:
    settings.JWT_PUBLIC_KEY = pem_of(PRIVATE[algorithm])

    assert Person().post(URL, {"token": sign(claims(aud=None), PRIVATE[algorithm], algorithm)}).status_code == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("_jwt")
@pytest.mark.parametrize(
    "value",
    ["9007199254740993", "1e300", r'"a\u0000b"', r'"\ud800"', r'{"\u0000": 1}', "[" * 100 + "]" * 100, "-0.0", "null"],
)
def test_a_claim_that_nobody_knows_is_ignored(value: str) -> None:
    answer = Person().post(URL, {"token": forge({"alg": "HS256"}, with_claim(value))})

    assert answer.status_code == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("_jwt")
@pytest.mark.parametrize("claim", ["name", "picture"])
@pytest.mark.parametrize("value", [r'"a\u0000b"', r'"\ud800"', r'"https://a.example/\udfff"', "1e300", "[[[]]]"])
def test_a_name_or_picture_that_no_profile_has_is_left_out(claim: str, value: str) -> None:
    answer = Person().post(URL, {"token": forge({"alg": "HS256"}, with_claim(value, claim))})

    user = answer.json()["user"]
    assert (answer.status_code, user["display_name"], user["avatar_url"]) == (200, user["username"], None)


@pytest.mark.django_db
@pytest.mark.usefixtures("_jwt")
class TestSharedSecret:
    """JWT_SECRET, and HS256."""

    @pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "", None])
    def test_alg_none(self, name: str | None) -> None:
        unsigned = f"{encode({'alg': name, 'typ': 'JWT'})}.{encode(claims())}"

        assert is_refused(f"{unsigned}.")
        assert is_refused(f"{unsigned}.{encode(b'x')}")
        assert is_refused(forge({"alg": name}, claims()))

    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    def test_another_algorithm_of_the_same_family(self, algorithm: str) -> None:
        hashed = {"HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
        signed = f"{encode({'alg': algorithm})}.{encode(claims())}"

        assert is_refused(f"{signed}.{encode(hmac.new(SECRET.encode(), signed.encode(), hashed).digest())}")

    @pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
    def test_a_key_of_the_attackers(self, algorithm: str) -> None:
        assert is_refused(sign(claims(), PRIVATE[algorithm], algorithm))

    def test_a_wrong_signature(self) -> None:
        token = sign(claims())

        assert is_refused(sign(claims(), "another secret of more than 32 bytes, but wrong"))
        assert is_refused(token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"))
        assert is_refused(token.rpartition(".")[0] + ".")
        assert is_refused(forge({"alg": "HS256"}, claims(), key=b""))

    def test_another_payload_under_a_right_signature(self) -> None:
        header, _, signature = sign(claims()).split(".")

        assert is_refused(f"{header}.{encode(claims('43'))}.{signature}")

    @pytest.mark.parametrize(
        "kid", ["../../../../dev/null", "' UNION SELECT 'x", "http://127.0.0.1/", "| true", "\u0000"]
    )
    def test_kid_injection(self, kid: str) -> None:
        assert is_refused(forge({"alg": "HS256", "kid": kid}, claims(), key=b""))

    @pytest.mark.parametrize("header", ["jku", "x5u", "jwk", "x5c"])
    def test_a_key_in_the_header_is_ignored(self, header: str) -> None:
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key()))
        given = {"jku": "http://127.0.0.1:9/", "x5u": "http://127.0.0.1:9/", "jwk": jwk, "x5c": ["MIIB"]}[header]

        assert is_refused(sign(claims(), RSA, "RS256", **{header: given}))
        assert is_refused(forge({"alg": "HS256", header: given}, claims(), key=b"the attacker's own secret"))

    def test_crit_that_nobody_knows(self) -> None:
        assert is_refused(forge({"alg": "HS256", "crit": ["exp"], "exp": 1}, claims()))
        assert is_refused(forge({"alg": "HS256", "b64": False, "crit": ["b64"]}, claims()))

    def test_expired(self) -> None:
        assert is_refused(sign(claims(exp=int(time.time()) - 31)))
        assert is_refused(sign(claims(exp=0)))

    def test_not_yet_valid(self) -> None:
        assert is_refused(sign(claims(nbf=int(time.time()) + 60)))

    def test_issued_in_the_future(self) -> None:
        assert is_refused(sign(claims(iat=int(time.time()) + 60)))

    @pytest.mark.parametrize("audience", ["another", ["another"], "parley ", "Parley", [], None, 5, {"parley": 1}])
    def test_wrong_audience(self, audience: Any) -> None:
        assert is_refused(forge({"alg": "HS256"}, claims(aud=audience)))

    def test_one_of_several_audiences(self) -> None:
        token = sign(claims(aud=["another", "parley"]))

        assert Person().post(URL, {"token": token}).status_code == 200

    def test_an_audience_that_nobody_expects(self, settings: Any) -> None:
        settings.JWT_AUDIENCE = ""

        assert is_refused(sign(claims(aud="another")))
        assert Person().post(URL, {"token": sign(claims(aud=None))}).status_code == 200

    @pytest.mark.parametrize(
        "issuer", ["https://evil.example.com", "https://id.example.com/", ["https://id.example.com"], None]
    )
    def test_wrong_issuer(self, settings: Any, issuer: Any) -> None:
        settings.JWT_ISSUER = "https://id.example.com"

        assert is_refused(forge({"alg": "HS256"}, claims(iss=issuer)))
        assert Person().post(URL, {"token": sign(claims(iss="https://id.example.com"))}).status_code == 200

    @pytest.mark.parametrize("claim", ["sub", "exp", "iat"])
    def test_a_claim_is_missing(self, claim: str) -> None:
        without = {name: value for name, value in claims().items() if name != claim}

        assert is_refused(sign(without))

    @pytest.mark.parametrize("claim", ["exp", "iat"])
    @pytest.mark.parametrize("value", ["9999999999", "soon", True, -1, [9_999_999_999], {}, 1e300])
    def test_a_time_of_the_wrong_type(self, claim: str, value: Any) -> None:
        assert is_refused(forge({"alg": "HS256"}, claims() | {claim: value}))

    @pytest.mark.parametrize("subject", ["", 42, ["42"], "x" * 256, "é", "a\u0000b", "a\nb", "x/sessions"])
    def test_a_subject_that_is_no_external_id(self, subject: Any) -> None:
        assert is_refused(forge({"alg": "HS256"}, {**claims(), "sub": subject}))

    @pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
    @pytest.mark.parametrize("value", ["1e400", "-1e400", "9" * 5_000, '"soon"', "null", "[]", "true", "NaN"])
    def test_a_time_that_no_clock_shows(self, claim: str, value: str) -> None:
        others = {name: value for name, value in claims().items() if name != claim}

        assert is_refused(forge({"alg": "HS256"}, f'{json.dumps(others)[:-1]}, "{claim}": {value}}}'.encode()))

    @pytest.mark.parametrize("depth", [1_000, 1_500, 3_000])
    def test_nested_too_deep(self, depth: int) -> None:
        deep = forge({"alg": "HS256"}, with_claim("[" * depth + "]" * depth))
        header = forge(b'{"alg":"HS256","x":' + b"[" * depth + b"]" * depth + b"}", claims())

        answers = [Person().post(URL, {"token": token}) for token in (deep, header)]

        assert {answer.status_code for answer in answers} <= {200, 401}

    def test_duplicate_keys(self) -> None:
        now = int(time.time())
        payload = f'{{"sub":"42","sub":"43","iat":{now},"exp":{now + 60},"aud":"parley"}}'.encode()

        assert is_refused(forge({"alg": "HS256"}, payload))
        assert is_refused(forge(b'{"alg":"none","alg":"HS256"}', claims()))
        assert is_refused(forge({"alg": "HS256"}, with_claim('{"a":1,"a":2}')))

    @pytest.mark.parametrize(
        "payload", [b"[]", b'"42"', b"5", b"null", b"", b"{", b"\xff", b"[" * 5_000, b"{}" * 2, b"\xff\xfe{\x00}\x00"]
    )
    def test_a_part_that_is_no_object(self, payload: bytes) -> None:
        assert is_refused(forge({"alg": "HS256"}, payload))
        assert is_refused(forge(payload, claims()))

    def test_huge(self) -> None:
        answer = Person().post(URL, {"token": sign(claims(name="x" * 9_000))})
        larger = Person().post(URL, {"token": sign(claims(name="x" * 300_000))})

        assert (answer.status_code, larger.status_code) == (400, 413)
        assert not ExternalIdentity.objects.exists()

    def test_a_compressed_or_encrypted_token(self) -> None:
        assert is_refused(forge({"alg": "HS256", "zip": "DEF"}, b"x\x9c"))
        assert is_refused("a.b.c.d.e")

    @pytest.mark.parametrize("token", ["a", "a.b", "a.b.c", "..", "prl_x", "a.b.c ", "é.é.é", "a=.b=.c="])
    def test_something_else(self, token: str) -> None:
        assert is_refused(token)


@pytest.mark.django_db
@pytest.mark.usefixtures("_rsa")
class TestPublicKey:
    """JWT_PUBLIC_KEY, and the algorithm of its kind."""

    def test_alg_confusion(self) -> None:
        for secret in (pem_of(RSA), pem_of(RSA).strip(), pem_of(RSA).replace("\n", "")):
            assert is_refused(forge({"alg": "HS256"}, claims(), key=secret.encode()))
        der = RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert is_refused(forge({"alg": "HS256"}, claims(), key=der))

    @pytest.mark.parametrize("algorithm", ["PS256", "RS384", "RS512"])
    def test_another_algorithm_of_the_same_key(self, algorithm: str) -> None:
        assert is_refused(sign(claims(), RSA, algorithm))

    @pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
    def test_a_key_of_the_wrong_type(self, algorithm: str) -> None:
        assert is_refused(sign(claims(), PRIVATE[algorithm], algorithm))

    def test_another_key_of_the_same_type(self) -> None:
        assert is_refused(sign(claims(), rsa.generate_private_key(65_537, 2_048), "RS256"))

    def test_psychic_signature(self, settings: Any) -> None:
        """r = s = 0, which some libraries took for any key (CVE-2022-21449)."""
        settings.JWT_PUBLIC_KEY = pem_of(EC)

        assert is_refused(f"{encode({'alg': 'ES256'})}.{encode(claims())}.{encode(bytes(64))}")
