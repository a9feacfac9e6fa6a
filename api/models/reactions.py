"""Reactions: which user reacted to which message with which key. A Message shows them by key, see its JSON."""

from collections.abc import Collection
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import UUIDField

from wire.compiled_query import CompiledQuery, list_param, param

KEY_CHARS = 34  # a name of 32 characters between colons; the longest emoji has 10


class ReactionQuerySet(models.QuerySet["Reaction"]):
    """Reads of reactions."""

    def keys_of(self, user_id: UUID, message_ids: Collection[UUID]) -> dict[str, list[str]]:
        """The keys with which a user reacted to each of these messages, by message id, in the order of their time."""
        keys: dict[str, list[str]] = {}
        if message_ids:
            for message_id, key in _find_keys(user_id=user_id, message_ids=message_ids):
                keys.setdefault(str(message_id), []).append(key)
        return keys


class Reaction(models.Model):
    """One user's reaction to one message with one key; the `seq` of its event puts the reactions in order."""

    pk = models.CompositePrimaryKey("message_id", "user_id", "key")
    message = models.ForeignKey("api.Message", models.CASCADE, related_name="reactions", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=KEY_CHARS)
    seq = models.BigIntegerField()
    at = models.DateTimeField()

    objects = ReactionQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["message", "key", "seq"], name="reactions_by_key")]


_find_keys = CompiledQuery(
    lambda: (
        Reaction.objects.filter(
            user_id=param("user_id", UUIDField()), message_id__any_of=list_param("message_ids", UUIDField())
        )
        .order_by("seq")
        .values_list("message_id", "key")
    )
)
