"""Signals of accounts: other apps react to them without accounts importing those apps."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import cast
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

# Sent inside a transaction that changes what the user of `user_id` sees of their own account, by others than the user's
# sessions, before the user's row is locked. A receiver returns a context manager, in which the change is made.
account_changing = Signal()


@contextmanager
def change_account(user_id: UUID) -> Iterator[None]:
    """Make a change that the devices of a user follow, within the caller's transaction."""
    with ExitStack() as stack:
        for _, change in account_changing.send(sender=None, user_id=user_id):
            stack.enter_context(cast("AbstractContextManager[None]", change))
        yield


def send_sessions_ended(ids: Sequence[UUID]) -> None:
    """Send `sessions_ended` once this transaction is committed."""
    if ids:
        transaction.on_commit(partial(sessions_ended.send_robust, sender=None, ids=ids))
