"""Streamed messages: those that their sender writes bit by bit."""

from typing import ClassVar

from django.db import models


class StreamedMessage(models.Model):
    """A message that was sent with `streaming`. The text so far is in the message's own row.

    The row stays when the message is finished, so that a repeated finish is told from one of another message.
    """

    message = models.OneToOneField("api.Message", models.PROTECT, primary_key=True, related_name="+")
    room = models.ForeignKey("api.Room", models.PROTECT, related_name="+", db_index=False)
    appended_at = models.DateTimeField(null=True)  # when the sender last wrote; null once it is finished

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["appended_at"], name="streamed_by_silence", condition=models.Q(appended_at__isnull=False)
            )
        ]
