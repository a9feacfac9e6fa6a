"""Settings of users: a user without a row has the defaults."""

from django.conf import settings
from django.db import models


class AddedBy(models.TextChoices):
    """The users who may add a user to a room; an addition by any other becomes an invitation."""

    ANYONE = "anyone"
    NOBODY = "nobody"


class UserSettings(models.Model):
    """The settings of one user."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    share_read = models.BooleanField(default=True)
    share_presence = models.BooleanField(default=True)
    added_by = models.CharField(max_length=8, choices=AddedBy, default=AddedBy.ANYONE)
