"""The settings of outgoing e-mail, from EMAIL_URL, EMAIL_FROM and PUBLIC_URL."""

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from settings import env

PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


class EmailSettings(NamedTuple):
    """Django's settings of its SMTP backend; `host` is empty when no mail is sent."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    use_tls: bool = False
    use_ssl: bool = False


def email_server() -> EmailSettings:
    """Read EMAIL_URL: smtp (no TLS), smtp+tls (STARTTLS) or smtps (TLS from the start)."""
    url = env.secret("EMAIL_URL", "", may_be_empty=True)
    if not url:
        return EmailSettings()
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        parts, port = urlsplit(""), 0
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        # Not chained: the parser's error can contain the URL with its password.
        raise ImproperlyConfigured(
            "EMAIL_URL must be smtp://host:25, smtp+tls://user:password@host:587 or smtps://user:password@host:465."
        ) from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return EmailSettings(parts.hostname, port, user, password, parts.scheme == "smtp+tls", parts.scheme == "smtps")


def email_from(is_used: bool) -> str:
    """Read EMAIL_FROM, an address with or without a name: `Parley <no-reply@example.com>`."""
    sender = env.text("EMAIL_FROM", "")
    if not sender and not is_used:
        return ""
    found = re.fullmatch(r"[^<>\r\n]*<([^<>]+)>|([^<>\s]+)", sender)
    try:
        validate_email(found and (found[1] or found[2]))
    except ValidationError:
        raise ImproperlyConfigured(
            "EMAIL_FROM must be the sender's address, such as no-reply@example.com or Parley <no-reply@example.com>."
        ) from None
    return sender


def public_url(is_used: bool) -> str:
    """Read PUBLIC_URL, the address of the server for people: links in mail begin with it. Without a closing slash."""
    url = env.text("PUBLIC_URL", "").rstrip("/")
    if not url and not is_used:
        return ""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.username is not None or parts.query or parts.fragment or re.search(r"\s", url):
        raise ImproperlyConfigured("PUBLIC_URL must be an address such as https://chat.example.com.")
    return url
