"""Reactions: which user reacted to which message with which key. A Message shows them by key, see its JSON."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import UUIDField

from wire.compiled_query import CompiledQuery, list_param, param

KEY_CHARS = 34  # a name of 32 characters between colons; the longest emoji has 10


class ReactionQuerySet(models.QuerySet["Reaction"]):
    """Reads of reactions."""

    def keys_of(self, user_id: UUID, shown: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[str]]:
        """The keys with which a user reacted to messages, by message id; `shown` has the reactions of each Message.

        The keys of a message are in the order of its reactions. A Message names the first users of a key, which are
        all of most keys: one query looks the user up among the others, and without others there is none.
        """
        me = str(user_id)
        partly = [
            message_id
            for message_id, reactions in shown.items()
            if any(each["count"] > len(each["user_ids"]) and me not in each["user_ids"] for each in reactions)
        ]
        found = set(_find_keys(user_id=user_id, message_ids=list(map(UUID, partly)))) if partly else ()
        others = {(str(message_id), key) for message_id, key in found}
        keys = {
            message_id: [
                each["key"] for each in reactions if me in each["user_ids"] or (message_id, each["key"]) in others
            ]
            for message_id, reactions in shown.items()
        }
        return {message_id: own for message_id, own in keys.items() if own}


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
    lambda: Reaction.objects.filter(
        user_id=param("user_id", UUIDField()), message_id__any_of=list_param("message_ids", UUIDField())
    ).values_list("message_id", "key")
)
