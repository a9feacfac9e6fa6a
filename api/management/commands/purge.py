"""`manage.py purge`: deletes expired sessions and old audit records, and purges messages that are too old."""

from typing import Any

from accounts.commands import OperatorCommand
from accounts.services import PURGE_BATCH, purge_sessions
from api.services import retention


class Command(OperatorCommand):
    help = (
        "Delete sessions that expired more than a day ago and audit records older than AUDIT_DAYS, and turn messages "
        "older than their room keeps into tombstones. Servers do the first every hour and the others every day."
    )

    def act(self, options: dict[str, Any]) -> None:
        for what, purge in (("expired sessions", purge_sessions), ("audit records", retention.purge_old_records)):
            total = batch = purge()
            while batch == PURGE_BATCH:
                total += (batch := purge())
            self.say(f"{total} {what} deleted.")
        purged = list(retention.purge_messages())
        self.say(f"{sum(purged)} messages purged.")
