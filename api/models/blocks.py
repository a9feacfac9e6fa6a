"""Blocks: a user who blocks another sees the other's messages as stubs, and shares no direct conversation with them."""

from collections.abc import Collection
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery, TextField, UUIDField

from wire.compiled_query import CompiledQuery, param


class BlockQuerySet(models.QuerySet["Block"]):
    """Reads of blocks."""

    def between(self, user_id: UUID, others: "Collection[UUID] | models.QuerySet[Any, Any]") -> "BlockQuerySet":
        """Keep the blocks of a user against others, and of those against the user."""
        return self.filter(Q(user_id=user_id, blocked__in=others) | Q(blocked_id=user_id, user__in=others))

    def blocked_by(self, user_id: UUID) -> frozenset[str]:
        """Return the ids of the users whom the user blocks, as text: rendered messages are compared with them."""
        return frozenset(map(str, _find_blocked(user_id=user_id)))

    def against(self, user_id: UUID, blockers: Collection[UUID]) -> set[UUID]:
        """Find those of these users who block the user."""
        return set(self.filter(blocked_id=user_id, user_id__in=blockers).values_list("user_id", flat=True))


class Block(models.Model):
    """One user blocks another."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="blocks", db_index=False)
    blocked = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    created_at = models.DateTimeField()

    objects = BlockQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "blocked"], name="block_once"),
            models.CheckConstraint(condition=~Q(user=models.F("blocked")), name="nobody_blocks_themselves"),
        ]
        indexes: ClassVar = [models.Index(fields=["blocked", "user"], name="blockers_of_user")]


# Compiled, because each page of pins or threads runs it.
_find_blocked = CompiledQuery(
    lambda: Block.objects.filter(user_id=param("user_id", UUIDField())).values_list("blocked_id", flat=True)
)


class BlockedIds(Subquery):
    """The ids of the users whom a user blocks, as a column of another query: a frozenset of texts.

    A query that is made anyway reads them for next to nothing: one text, and no row for each.
    """

    template = "(SELECT string_agg(blocked_id::text, ',') FROM (%(subquery)s) AS blocks)"
    output_field = TextField()

    def __init__(self, user_id: Any) -> None:
        super().__init__(Block.objects.filter(user_id=user_id).values("blocked_id"))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(SELECT group_concat(blocked_id) FROM (%(subquery)s) AS blocks)"
        return self.as_sql(compiler, connection, template=template, **context)

    def get_db_converters(self, connection: Any) -> list[Any]:
        def split(joined: str | None, *_: Any) -> frozenset[str]:
            ids = joined.split(",") if joined else ()
            # SQLite has the digits of a UUID alone.
            return frozenset(ids if connection.vendor == "postgresql" else (str(UUID(each)) for each in ids))

        return [split]


class BlockList(models.Model):
    """The number of a user's blocks, and the seq of the inbox event that changed them last; none for most users.

    Reads find out by it, in a query that they make anyway, that most users block nobody. Other processes see by the
    seq that the list has changed.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    size = models.PositiveIntegerField(default=0)
    changed_seq = models.BigIntegerField(default=0)
    changed_at = models.DateTimeField(null=True)  # by the clock of the database

    class Meta:
        indexes: ClassVar = [models.Index(fields=["changed_at"], name="block_lists_by_change")]

    @classmethod
    def is_used_by(cls, user_id: object) -> Exists:
        """Return the condition that a user, given by an expression of another query, blocks somebody."""
        return Exists(cls.objects.filter(pk=user_id, size__gt=0))

    @classmethod
    def size_of(cls, user_id: OuterRef) -> models.Subquery:
        """The number of users whom a user blocks, as a column of another query; null for one who never did.

        PostgreSQL could answer EXISTS for many rows by reading the whole table; a value it looks up for each row.
        """
        return models.Subquery(cls.objects.filter(pk=user_id).values("size"))

    @classmethod
    def version_of(cls, user_id: OuterRef) -> models.Subquery:
        """The `changed_seq` of a user as a column of another query; null for a user who never blocked anybody."""
        return models.Subquery(cls.objects.filter(pk=user_id).values("changed_seq"))


def is_not_blocked_by(user_id: Any, sender: str) -> Q:
    """Return the condition that the user does not block the sender, a column of the row: stubs count in nothing.

    For a user who blocks nobody the database looks that up once, and nothing for each row.
    """
    hides = Block.objects.filter(user_id=user_id, blocked_id=OuterRef(sender))
    return Q(~BlockList.is_used_by(user_id)) | Q(~Exists(hides))
