"""The ports through which others hear of accounts, without accounts knowing them."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from django.db import transaction

from accounts.models import User

logger = logging.getLogger(__name__)

# Called with the ids of ended sessions, after the commit, in the thread that committed.
on_sessions_ended: list[Callable[[Sequence[UUID]], None]] = []

# Called with the user whose account is being deleted, inside the transaction and before anything is wiped.
# What a listener raises stops the deletion.
on_account_deleting: list[Callable[[User], None]] = []

# Called with the user whose account is being deactivated, inside the transaction.
on_account_deactivated: list[Callable[[User], None]] = []


def sessions_ended(ids: Sequence[UUID]) -> None:
    """Tell, once this transaction is committed, that these sessions are over."""
    if ids:
        transaction.on_commit(partial(_tell, ids))


def account_deleting(user: User) -> None:
    """Let the listeners do their part of the deletion."""
    for listener in on_account_deleting:
        listener(user)


def account_deactivated(user: User) -> None:
    """Let the listeners do their part of the deactivation."""
    for listener in on_account_deactivated:
        listener(user)


def _tell(ids: Sequence[UUID]) -> None:
    for listener in on_sessions_ended:
        try:
            listener(ids)
        except Exception:
            logger.exception("A listener failed; the sweep of live sessions will close what it missed")
