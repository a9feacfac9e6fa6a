"""The epoch, raised when the past was rewritten: every cursor that a client kept is then answered with a reset."""

import time

from django.db import transaction

from api.models import Epoch


def raise_epoch() -> int:
    """Give the log an epoch that no client has seen, and return it.

    A restored backup brings the old epoch back, perhaps one from before an earlier raise: counting on from it could
    meet a number that was used. So the new one is at least the minutes since 1970, which only go up.
    """
    with transaction.atomic():
        row, _ = Epoch.objects.select_for_update().get_or_create(id=1)
        row.value = max(row.value + 1, int(time.time()) // 60)
        row.save(update_fields=["value"])
    return row.value
