"""Services of the log."""

import time

from django.db import transaction

from eventlog.models import Epoch


def raise_epoch() -> int:
    """Give the log an epoch that no client has seen, and return it. Every cursor of clients is then reset.

    A restored backup brings an old epoch back, perhaps from before an earlier raise, so the next number may have been
    used already. The new epoch is at least the minutes since 1970, which only increase.
    """
    with transaction.atomic():
        row, _ = Epoch.objects.select_for_update().get_or_create(id=1)
        row.value = max(row.value + 1, int(time.time()) // 60)
        row.save(update_fields=["value"])
    return row.value
