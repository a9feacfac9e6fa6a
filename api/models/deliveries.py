"""Delivery markers: the highest seq of a room that any device of a user has acknowledged."""

from django.db import models


class Delivery(models.Model):
    """The marker of one member. It is apart from Member, whose rows sends update, and has no foreign keys to lock."""

    pk = models.CompositePrimaryKey("room_id", "user_id")
    room_id = models.UUIDField()
    user_id = models.UUIDField()
    seq = models.BigIntegerField()
