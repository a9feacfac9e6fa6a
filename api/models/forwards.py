"""Forwards: whose words a forwarding message shows, so that the erasure of that user finds them in every room."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class Forward(models.Model):
    """One message that forwards another. `author` wrote the words that it shows; the original may be gone."""

    message = models.OneToOneField("api.Message", models.CASCADE, primary_key=True, related_name="forward")
    room = models.ForeignKey("api.Room", models.CASCADE, related_name="+", db_index=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    original = models.UUIDField()  # the id of the message that was forwarded

    class Meta:
        indexes: ClassVar = [models.Index(fields=["author", "room", "message"], name="forwards_of_author")]
