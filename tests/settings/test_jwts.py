"""JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URL, JWT_ISSUER and JWT_AUDIENCE"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.core.exceptions import ImproperlyConfigured

from settings.jwts import JwtSettings, jwt_settings

EC = ec.generate_private_key(ec.SECP256R1())


def pem_of(private: Any) -> str:
    pem: bytes = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode().strip()


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> JwtSettings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return jwt_settings()


def test_without_a_key_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch) == JwtSettings("", "", "", "", "")


def test_a_secret_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, JWT_SECRET="x" * 32, JWT_ISSUER="shop", JWT_AUDIENCE="chat")

    assert found == JwtSettings("x" * 32, "", "", "shop", "chat")


@pytest.mark.parametrize("private", [EC, ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65_537, 2_048)])
def test_a_public_key_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, private: Any) -> None:
    pem = pem_of(private)
    (tmp_path / "key").write_text(f"{pem}\n")

    assert read(monkeypatch, JWT_PUBLIC_KEY=pem.replace("\n", "\\n")).public_key == pem
    monkeypatch.delenv("JWT_PUBLIC_KEY")
    assert read(monkeypatch, JWT_PUBLIC_KEY_FILE=str(tmp_path / "key")).public_key == pem


@pytest.mark.parametrize("url", ["https://id.example.com/jwks.json", "http://127.0.0.1:8080/jwks", "http://[::1]/jwks"])
def test_an_address_of_keys_is_read(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert read(monkeypatch, JWT_JWKS_URL=url).jwks_url == url


PRIVATE = EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
WRONG = [
    {"JWT_SECRET": "x" * 31},
    {"JWT_SECRET": pem_of(EC)},
    {"JWT_PUBLIC_KEY": "x" * 32},
    {"JWT_PUBLIC_KEY": PRIVATE},
    {"JWT_PUBLIC_KEY": pem_of(ec.generate_private_key(ec.SECP384R1()))},
    {"JWT_PUBLIC_KEY": pem_of(rsa.generate_private_key(65_537, 1_024))},
    {"JWT_JWKS_URL": "http://id.example.com/jwks.json"},
    {"JWT_JWKS_URL": "file:///etc/passwd"},
    {"JWT_JWKS_URL": "https://a:b@id.example.com/"},
    {"JWT_JWKS_URL": "https://id.example.com:port/"},
    {"JWT_JWKS_URL": "https:///jwks"},
    {"JWT_SECRET": "x" * 32, "JWT_PUBLIC_KEY": pem_of(EC)},
    {"JWT_SECRET": "x" * 32, "JWT_JWKS_URL": "https://id.example.com/"},
    {"JWT_ISSUER": "shop"},
    {"JWT_AUDIENCE": "chat"},
]


@pytest.mark.parametrize("variables", WRONG)
def test_other_settings_are_refused_without_their_secret(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    with pytest.raises(ImproperlyConfigured, match="JWT_") as caught:
        read(monkeypatch, **variables)

    assert "x" * 31 not in str(caught.value)
