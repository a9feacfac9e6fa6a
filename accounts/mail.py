"""Sends the mail that waits in the table Mail: outside requests, with retries, each within a bounded time."""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from accounts import emails, resets
from accounts.models import EmailAddress, Mail, MailKind
from wire.connections import release_connections

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)  # longer than any attempt: EMAIL_TIMEOUT limits each step of SMTP
FIRST_RETRY = timedelta(seconds=2)  # doubled with each further failure
LONGEST_RETRY = timedelta(minutes=10)
GIVE_UP_AFTER = timedelta(hours=4)  # greylisting takes minutes; nobody waits longer for a link

RESET_TEXT = """\
Somebody, probably you, asked for a new password for the account {username} at {host}.

Open this link within an hour to choose one. It ends all sessions of the account.

{link}

If it was not you, ignore this message: the password remains as it is.
"""
VERIFY_TEXT = """\
Somebody, probably you, gave this address for an account at {host}.

Open this link within three days to confirm that it is yours.

{link}

If it was not you, ignore this message: the address will not be used.
"""
CHANGED_TEXT = """\
This address was removed from the account {username} at {host}. Messages about the account, such as links for a new
password, no longer come here.

If it was not you, somebody knows your password: ask the operator of {host} for help.
"""


class _Content(NamedTuple):
    to: str
    subject: str
    text: str


def has_due() -> bool:
    """Return whether a mail is due."""
    return Mail.objects.filter(due_at__lte=timezone.now()).exists()


def send_due() -> None:
    """Send the mail that is due, one at a time. A killed process loses none.

    A process that dies between the sending and the deletion of the row makes another send the mail again, which does
    no harm.
    """
    while (mail := _claim()) is not None:
        _send(mail)


def _claim() -> Mail | None:
    """Lease the mail that has been due for longest to this process."""
    while True:
        now = timezone.now()
        mail = Mail.objects.select_related("user").filter(due_at__lte=now).order_by("due_at", "pk").first()
        if mail is None:
            return None
        if Mail.objects.filter(pk=mail.pk, due_at=mail.due_at).update(due_at=now + LEASE):
            return mail


def _send(mail: Mail) -> None:
    content = _compose(mail)
    if content is not None:
        release_connections()  # a slow SMTP server must not keep a connection of the pool
        try:
            EmailMessage(content.subject, content.text, settings.DEFAULT_FROM_EMAIL, [content.to]).send()
        except (
            OSError,
            ValueError,
        ) as error:  # smtplib's exceptions too; ValueError: an address that SMTP cannot carry
            _retry_later(mail, error)
            return
    Mail.objects.filter(pk=mail.pk).delete()


def _retry_later(mail: Mail, error: OSError | ValueError) -> None:
    """Retry a failed mail later, or drop it. The log has neither the address nor the answer, which may contain it."""
    now = timezone.now()
    code = getattr(error, "smtp_code", None) or getattr(error, "errno", None)
    name = type(error).__name__ if code is None else f"{type(error).__name__} {code}"
    codes = [code for code, _ in error.recipients.values()] if isinstance(error, SMTPRecipientsRefused) else []
    is_refused = bool(codes) and all(500 <= code <= 599 for code in codes)  # for good (RFC 5321, section 4.2.1)
    if is_refused or now - mail.created_at > GIVE_UP_AFTER:
        logger.warning("Mail %s (%s) is dropped after %s failures (%s)", mail.pk, mail.kind, mail.failures + 1, name)
        Mail.objects.filter(pk=mail.pk).delete()
        return
    pause = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(mail.failures, 16))
    logger.warning("Mail %s (%s) is tried again in %d s (%s)", mail.pk, mail.kind, pause.total_seconds(), name)
    Mail.objects.filter(pk=mail.pk).update(due_at=now + pause, failures=mail.failures + 1)


def _compose(mail: Mail) -> _Content | None:
    """Write the text; None if it has become pointless. The address is that of the account, never one that was typed."""
    host = urlsplit(settings.PUBLIC_URL).netloc
    match mail.kind:
        case MailKind.RESET_PASSWORD:
            owner = resets.find_owner(mail.address)
            if owner is None:
                return None
            link = f"{settings.PUBLIC_URL}/reset-password#token={resets.reset_token(owner)}"
            text = RESET_TEXT.format(username=owner.user.username, host=host, link=link)
            return _Content(owner.address, f"A new password for {host}", text)
        case MailKind.VERIFY_EMAIL:
            email = EmailAddress.objects.filter(user=mail.user, address=mail.address, verified_at=None).first()
            if email is None or mail.user is None or not mail.user.is_active:
                return None
            link = f"{settings.PUBLIC_URL}/verify-email#token={emails.verification_token(email)}"
            return _Content(
                email.address, f"Confirm your e-mail address for {host}", VERIFY_TEXT.format(host=host, link=link)
            )
        case _:
            username = mail.user.username if mail.user else ""
            return _Content(
                mail.address, f"Your e-mail address at {host}", CHANGED_TEXT.format(username=username, host=host)
            )
