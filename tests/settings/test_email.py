"""EMAIL_URL, EMAIL_FROM and PUBLIC_URL"""

import pytest
from django.core.exceptions import ImproperlyConfigured

from settings.email import EmailSettings, email_from, email_server, public_url

HIDDEN = "hunter2"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", EmailSettings()),
        ("smtp://mail.internal", EmailSettings("mail.internal", 25)),
        ("smtp+tls://a%40b:p%2Fw@mail:2587", EmailSettings("mail", 2587, "a@b", "p/w", use_tls=True)),
        ("smtps://a:b@mail/", EmailSettings("mail", 465, "a", "b", use_ssl=True)),
    ],
)
def test_the_mail_server_is_read(monkeypatch: pytest.MonkeyPatch, url: str, expected: EmailSettings) -> None:
    monkeypatch.setenv("EMAIL_URL", url)

    assert email_server() == expected


@pytest.mark.parametrize(
    "url", [f"http://a:{HIDDEN}@mail", "mail:25", f"smtp://a:{HIDDEN}@mail:port", "smtp://", "smtp://mail/?x=1"]
)
def test_a_malformed_mail_server_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("EMAIL_URL", url)

    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as caught:
        email_server()

    assert HIDDEN not in str(caught.value)


@pytest.mark.parametrize("sender", ["a@example.com", "Parley <a@example.com>"])
def test_the_sender_is_read(monkeypatch: pytest.MonkeyPatch, sender: str) -> None:
    monkeypatch.setenv("EMAIL_FROM", sender)

    assert email_from(is_used=True) == sender


@pytest.mark.parametrize("sender", ["", "nobody", "Parley <nobody>", "a@example.com, b@example.com"])
def test_mail_needs_a_sender(monkeypatch: pytest.MonkeyPatch, sender: str) -> None:
    monkeypatch.setenv("EMAIL_FROM", sender)

    with pytest.raises(ImproperlyConfigured, match="EMAIL_FROM"):
        email_from(is_used=True)


def test_the_public_address_has_no_closing_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://example.com/chat/")

    assert public_url(is_used=True) == "https://example.com/chat"


@pytest.mark.parametrize("url", ["", "chat.example.com", "ftp://example.com", "https://a@example.com", "https://e?x"])
def test_mail_needs_a_public_address(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PUBLIC_URL", url)

    with pytest.raises(ImproperlyConfigured, match="PUBLIC_URL"):
        public_url(is_used=True)


def test_without_mail_neither_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EMAIL_FROM", "PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)

    assert (email_from(is_used=False), public_url(is_used=False)) == ("", "")
