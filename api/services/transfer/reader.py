"""Reads an export into this database, all of it or nothing."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connection, models, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import EmailAddress, ExternalIdentity, HeldUsername, NameWord, User, digest_id, digest_username
from api.models import Member, Room, RoomNamePart
from api.services import rooms
from api.services.transfer.tables import EXPORTED, FORMAT, ROWS, columns, decode
from eventlog.models import Epoch, Event, StreamHead
from eventlog.services import raise_epoch
from wire.outages import cause_of

SHOWN = 10  # refusals that are named; the others are counted

Row = models.Model


class Refused(Exception):
    """The file cannot be imported; nothing was written."""


def import_all(lines: Iterable[bytes], *, actor: str, reason: str = "") -> dict[str, int]:
    """Import an export into this database, beside what it holds, and return the number of rows of each table.

    Ids, seqs, versions and times stay. The epoch is raised, so that every device loads its rooms anew. Sessions are
    not in an export: users log in again. Raises Refused for a damaged file, and for one with an id, username, external
    id, slug or direct room that is taken here.
    """
    try:
        return _import_all(lines, actor, reason)
    except (IntegrityError, DataError) as error:
        raise Refused(f"A row breaks a rule of the database: {cause_of(error)}") from error


def _import_all(lines: Iterable[bytes], actor: str, reason: str) -> dict[str, int]:
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 0")
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        _remove_untouched_lobby()
        reader = _Reader()
        header = reader.read(lines)
        epoch, _ = Epoch.objects.select_for_update().get_or_create(id=1)
        epoch.value = max(epoch.value, header["epoch"])
        epoch.save(update_fields=["value"])
        raise_epoch()
        rooms.ensure_lobby()
        audit.record("data.imported", actor=actor, target=("server", ""), reason=reason)
    return dict(reader.counts)


def _remove_untouched_lobby() -> None:
    """Remove the lobby that `prepare` made, if nobody has entered it: the export has one of its own."""
    lobby = Room.objects.filter(slug=rooms.LOBBY, created_by=None).exclude(pk__in=Member.objects.values("room"))
    for room in lobby.filter(pk__in=StreamHead.objects.filter(last_seq=1).values("stream")):
        Event.objects.filter(stream=room.pk).delete()
        StreamHead.objects.filter(pk=room.pk).delete()
        room.delete()


class _Reader:
    """Reads the lines in their order, checks each batch against the database and the rows before it, and inserts it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.users: set[UUID] = set()
        self.rooms: set[UUID] = set()
        self.heads: dict[UUID, int] = {}
        self.seqs: dict[UUID, int] = {}
        self.taken: list[str] = []

    def read(self, lines: Iterable[bytes]) -> dict[str, Any]:
        """Insert all rows; returns the header. Raises Refused."""
        parsed = _parse(lines)
        header: dict[str, Any] = next(parsed, {})
        if header.get("parley") != FORMAT or not isinstance(header.get("epoch"), int):
            raise Refused(f"The first line is not the header of an export of format {FORMAT}.")
        end: Any = None
        for table, group in groupby(parsed, key=lambda line: line.get("table")):
            if end is not None:
                raise Refused("There are lines after the end.")
            if table is None:
                end = next(group).get("end")
            else:
                self._read_table(table, (line.get("row") for line in group))
        if end != dict(self.counts):
            raise Refused("The file is cut off or changed: its last line does not count its rows.")
        if self.heads != self.seqs | {stream: 0 for stream, head in self.heads.items() if head == 0}:
            raise Refused("The events do not reach the heads of their streams.")
        if self.taken:
            more = f" and {len(self.taken) - SHOWN} more" if len(self.taken) > SHOWN else ""
            raise Refused(f"Taken here already: {', '.join(self.taken[:SHOWN])}{more}.")
        return header

    def _read_table(self, table: str, given: Iterator[Any]) -> None:
        later = list(EXPORTED)[list(EXPORTED).index(table) :] if table in EXPORTED else []
        if not later or any(self.counts[each] for each in later):
            raise Refused(f"The table {table} is unknown here, or not in its place.")
        while batch := [row for _, row in zip(range(ROWS), given, strict=False)]:
            rows: list[Any] = [
                self._make(table, row, number) for number, row in enumerate(batch, start=self.counts[table] + 1)
            ]
            if table == "heads":  # earlier releases exported empty ones of nobody
                rows = [head for head in rows if head.last_seq or head.stream in self.users]
            self._check(table, rows)
            if not self.taken:
                EXPORTED[table]._default_manager.bulk_create(rows)
                # The words of the two searches are derived from the rows.
                NameWord.objects.bulk_create(word for row in rows if table == "users" for word in row.name_words())
                RoomNamePart.objects.bulk_create(part for row in rows if table == "rooms" for part in row.name_parts())
            self.counts[table] += len(batch)

    def _make(self, table: str, row: Any, number: int) -> Row:
        fields = columns(EXPORTED[table])
        if not isinstance(row, dict) or not row.keys() <= fields.keys():
            raise Refused(f"Row {number} of {table} has columns that this version does not know.")
        try:
            return EXPORTED[table](**{name: decode(fields[name], value) for name, value in row.items()})
        except (ValueError, TypeError, ValidationError) as error:
            raise Refused(f"Row {number} of {table} has a value of the wrong type.") from error

    def _check(self, table: str, rows: list[Any]) -> None:
        """Check that nothing is taken, and that the rows refer only to users and rooms of the file."""
        checks: dict[str, Callable[[list[Any]], None]] = {
            "users": self._check_users,
            "emails": self._check_emails,
            "external_ids": self._check_external_ids,
            "held_usernames": self._check_held_usernames,
            "rooms": self._check_rooms,
        }
        if table in checks:
            checks[table](rows)
        elif table == "events":
            for event in rows:
                if event.seq != self.seqs.get(event.stream, 0) + 1:
                    raise Refused(f"The stream {event.stream} has a hole before seq {event.seq}.")
                self.seqs[event.stream] = event.seq
        elif table == "heads":
            self.heads |= {head.stream: head.last_seq for head in rows}
        elif table in ("messages", "audit"):
            model = EXPORTED[table]
            ids = model._default_manager.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True)
            self.taken += [f"the id {taken} of {table}" for taken in ids]
        if table != "audit":
            self._check_references(table, rows)

    def _check_emails(self, rows: list[EmailAddress]) -> None:
        verified = [row.key for row in rows if row.verified_at is not None]
        same = EmailAddress.objects.filter(key__in=verified, verified_at__isnull=False)
        self.taken += [f"the e-mail address of the user {row.user_id}" for row in same]

    def _check_references(self, table: str, rows: list[Any]) -> None:
        for row in rows:
            names = ("user_id", "sender_id", "actor_id", "author_id", "created_by_id", "invited_by_id", "by_id")
            users = {getattr(row, name, None) for name in names}
            rooms_of_row, streams = {getattr(row, "room_id", None)}, {getattr(row, "stream", None)}
            is_known = users - {None} <= self.users and rooms_of_row - {None} <= self.rooms
            if not is_known or not all(each in self.users or each in self.rooms for each in streams - {None}):
                raise Refused(f"A row of {table} refers to a user or room that is not in the file.")

    def _check_users(self, rows: list[User]) -> None:
        former = {bytes(row.former_username) for row in rows if row.former_username}
        digests = [
            bytes(digest) for row in rows for digest in (row.former_username, digest_username(row.username)) if digest
        ]
        names = [row.username for row in rows]
        same = User.objects.filter(
            Q(pk__in=[row.pk for row in rows]) | Q(username__in=names) | Q(former_username__in=digests)
        )
        self.taken += [f"the user {user.username} ({user.pk})" for user in same]
        self.users |= {row.pk for row in rows}
        held = HeldUsername.objects.filter(digest__in=digests, until__gt=timezone.now()).select_related("user")
        self.taken += [f"a former username of {each.user.username} here" for each in held]
        # A name here is taken too if the file knows it as that of a deleted user.
        self._check_former_names(former)

    def _check_external_ids(self, rows: list[ExternalIdentity]) -> None:
        names = [row.external_id for row in rows if row.external_id is not None]
        former = {bytes(row.former_id) for row in rows if row.former_id}
        digests = former | {digest_id(name) for name in names}
        same = ExternalIdentity.objects.filter(Q(external_id__in=names) | Q(former_id__in=digests))
        self.taken += [f"the external id of the user {each.user_id} here" for each in same]
        if former:
            here = ExternalIdentity.objects.exclude(external_id=None)
            ids = here.values_list("user_id", "external_id").iterator(chunk_size=ROWS)
            taken = [user_id for user_id, name in ids if user_id not in self.users and digest_id(name or "") in former]
            self.taken += [f"the external id of the user {user_id} here" for user_id in taken]

    def _check_held_usernames(self, rows: list[HeldUsername]) -> None:
        digests = {bytes(row.digest) for row in rows if row.until > timezone.now()}
        same = HeldUsername.objects.filter(digest__in=digests).select_related("user")
        self.taken += [f"a former username of {each.user.username} here" for each in same]
        self._check_former_names(digests)

    def _check_former_names(self, digests: set[bytes]) -> None:
        if digests:
            here = User.objects.filter(deleted_at=None).values_list("pk", "username").iterator(chunk_size=ROWS)
            taken = [name for pk, name in here if pk not in self.users and digest_username(name) in digests]
            self.taken += [f"the username {name}" for name in taken]

    def _check_rooms(self, rows: list[Room]) -> None:
        same = Room.objects.filter(
            Q(pk__in=[row.pk for row in rows])
            | Q(slug__in=[row.slug for row in rows if row.slug])
            | Q(direct_key__in=[row.direct_key for row in rows if row.direct_key])
        )
        self.taken += [f"the room {room.slug or room.pk}" for room in same]
        self.rooms |= {row.pk for row in rows}


def _parse(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        try:
            parsed = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise Refused(f"Line {number} is not JSON: the file is cut off or damaged.") from error
        if not isinstance(parsed, dict):
            raise Refused(f"Line {number} is not an object.")
        yield parsed
