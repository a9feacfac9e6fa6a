"""Signals of accounts: other apps react to them without accounts importing those apps."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

# Sent after the commit, in the thread that committed, with the `ids` of the ended sessions.
# A receiver that fails is logged; the sweep of live sessions closes the sockets that it missed.
sessions_ended = Signal()

# Sent inside the transaction that deletes the account of `user`, before anything is wiped.
# An exception in a receiver stops the deletion.
account_deleting = Signal()

# Sent inside the transaction that deactivates the account of `user`.
account_deactivated = Signal()


def send_sessions_ended(ids: Sequence[UUID]) -> None:
    """Send `sessions_ended` once this transaction is committed."""
    if ids:
        transaction.on_commit(partial(sessions_ended.send_robust, sender=None, ids=ids))
