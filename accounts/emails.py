"""E-mail addresses: set, compared, and verified by a link that only the owner of the mailbox receives."""

from __future__ import annotations

from hashlib import sha256
from unicodedata import normalize
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import EmailAddress, Mail, MailKind, User
from accounts.signals import change_account
from wire import rates
from wire.problems import Problem, define
from wire.shared_limits import SharedRateLimit

VERIFY_SECONDS = 3 * 86_400  # the life of a link that verifies an address
MAX_WAITING = 10_000  # mails that wait to be sent, about 3 MB

define("email.not_configured", 409, "This server sends no e-mail.")
define("email.missing", 409, "The account has no e-mail address.")
define("email.taken", 409, "Another account has verified this e-mail address.")
define("email.invalid_token", 400, "The link is wrong, expired or already used.")

# By mailbox, so that nobody can fill a stranger's; the key is the typed address, whether or not an account has it.
of_mailbox = SharedRateLimit(rates.EMAIL)


def email_key(address: str) -> str:
    """Return the form in which addresses are compared: NFC and case-folded.

    Not NFKC: look-alike addresses are different mailboxes.
    """
    return normalize("NFC", normalize("NFC", address).casefold())


def require_mail() -> None:
    """Raise Problem email.not_configured if this server sends no mail."""
    if not settings.EMAIL_HOST:
        raise Problem("email.not_configured")


def queue_mail(kind: MailKind, address: str, user: User | None = None) -> None:
    """Queue a mail in the current transaction. Raises Problem limit.email, or unavailable when too many wait."""
    of_mailbox.take(email_key(address))
    if Mail.objects.count() >= MAX_WAITING:
        raise Problem("unavailable", "Too many e-mails are waiting. Try again later.")
    Mail.objects.create(kind=kind, address=address, user=user)


def set_email(user: User, address: str | None) -> None:
    """Set or remove the user's address within the caller's transaction; a new one is not verified.

    Whether another account has it is not revealed: only the owner of the mailbox can verify it. The former verified
    address is notified. Raises Problem email.not_configured or as queue_mail.
    """
    former = EmailAddress.objects.filter(user=user).first()
    if address is None:
        if former is not None:
            former.delete()
    else:
        require_mail()
        address = normalize("NFC", address)
        fresh = {"address": address, "key": email_key(address), "changed_at": timezone.now(), "verified_at": None}
        EmailAddress.objects.update_or_create(user=user, defaults=fresh)
        queue_mail(MailKind.VERIFY_EMAIL, address, user)
    if former is not None and former.verified_at is not None and settings.EMAIL_HOST:
        Mail.objects.create(kind=MailKind.EMAIL_CHANGED, address=former.address, user=user)


def send_verification(*, user: User) -> None:
    """Send the link that verifies the user's address again; a verified address gets none.

    Raises Problem email.missing, email.not_configured or as queue_mail.
    """
    require_mail()
    email = EmailAddress.objects.filter(user=user).first()
    if email is None:
        raise Problem("email.missing")
    if email.verified_at is None:
        queue_mail(MailKind.VERIFY_EMAIL, email.address, user)


def verify_email(*, token: str) -> None:
    """Verify the address for which a link was sent. Raises Problem email.invalid_token or email.taken."""
    user_id, state = read_token(token, MailKind.VERIFY_EMAIL, VERIFY_SECONDS)
    if not EmailAddress.objects.filter(user=user_id).exists():
        raise Problem("email.invalid_token")
    try:
        with transaction.atomic(), change_account(user_id):
            email = EmailAddress.objects.select_for_update().filter(user=user_id, user__is_active=True).first()
            if email is None or email.verified_at is not None or state != _state(email):
                raise Problem("email.invalid_token")
            email.verified_at = timezone.now()
            email.save(update_fields=["verified_at"])
    except IntegrityError as error:
        raise Problem("email.taken") from error


def delete_email(user: User) -> None:
    """Delete the address, and the mail to it that waits."""
    email = EmailAddress.objects.filter(user=user).first()
    if email is not None:
        Mail.objects.filter(user=None, address=email.key).delete()
        email.delete()
    Mail.objects.filter(user=user).delete()


def verification_token(email: EmailAddress) -> str:
    """Return the token of the link that verifies this address, once."""
    return make_token(MailKind.VERIFY_EMAIL, email.user_id, _state(email))


def make_token(kind: MailKind, user_id: UUID, state: str) -> str:
    """Return a signed token for one user. It is single-use because its use changes the state that it names."""
    return _signer(kind).sign_object([user_id.hex, state])


def read_token(token: str, kind: MailKind, max_age: int) -> tuple[UUID, str]:
    """Return the user and the state that a token names; `max_age` in seconds. Raises Problem email.invalid_token."""
    try:
        user_id, state = _signer(kind).unsign_object(token, max_age=max_age)
        return UUID(user_id), state
    except (BadSignature, ValueError) as error:
        raise Problem("email.invalid_token") from error


def digest(*state: object) -> str:
    """Return a digest of what a token is for."""
    return sha256("\0".join(map(str, state)).encode()).hexdigest()[:32]


def _state(email: EmailAddress) -> str:
    return digest(email.key, email.changed_at.timestamp())


def _signer(kind: MailKind) -> TimestampSigner:
    """Keys are SECRET_KEY and SECRET_KEY_FALLBACKS. A dot, because mail programs end a link at some other signs."""
    return TimestampSigner(salt=f"accounts.{kind}", sep=".")
