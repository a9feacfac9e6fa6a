"""`manage.py purge`: deletes expired sessions and links and old audit records, and purges messages that are too old."""

from collections.abc import Callable
from typing import Any

from accounts.commands import OperatorCommand
from accounts.services import PURGE_BATCH, purge_sessions
from api.services import retention


class Command(OperatorCommand):
    help = (
        "Delete sessions that expired more than a day ago, expired links and audit records older than AUDIT_DAYS, and "
        "turn messages older than their room keeps into tombstones. Servers do the first every hour and the others "
        "every day."
    )

    def act(self, options: dict[str, Any]) -> None:
        self.say(f"{_repeat(purge_sessions)} expired sessions deleted.")
        for name, purge in retention.DAILY.items():
            if deleted := _repeat(purge):
                self.say(f"{deleted} {name} deleted.")
        if messages := sum(retention.purge_messages()):
            self.say(f"{messages} messages purged.")


def _repeat(purge: Callable[[], int]) -> int:
    """Purge batch by batch until one is not full. Returns the total."""
    total = batch = purge()
    while batch == PURGE_BATCH:
        total += (batch := purge())
    return total
