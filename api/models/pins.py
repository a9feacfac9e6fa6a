"""Pins: the messages that a room shows at hand. The Message itself has the time and the user."""

from typing import ClassVar

from django.db import models


class Pin(models.Model):
    """One pinned message. `seq` is that of its event, so the newest pin has the greatest."""

    message = models.OneToOneField("api.Message", models.CASCADE, primary_key=True, related_name="pin")
    room = models.ForeignKey("api.Room", models.CASCADE, related_name="+", db_index=False)
    seq = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["room", "seq"], name="pin_seq_once")]
