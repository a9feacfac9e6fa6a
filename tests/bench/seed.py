"""Fills a server's database for a workload, in a process of its own: `python -m tests.bench.seed` reads a plan.

The plan, as JSON on stdin: {"users": how many, "rooms": [[indexes of the members, the owner first], ...],
"messages": how many in each room}. The answer on stdout: {"users": [{id, token}], "rooms": [id, ...]}.
"""

import os
import secrets
import sys
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import django
import orjson

# Ids grow with time, as UUIDv7 do: random ones would make indexes that no real room has.
MESSAGES_SQL = """
WITH numbered AS (
    SELECT n, 'seeded-' || n AS client_id, md5(%(room)s::text || n) AS noise,
           date_trunc('second', now()) - (%(last)s::bigint - n) * interval '1 second' AS at
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
), made AS (
    SELECT n, client_id, at,
           (lpad(to_hex(extract(epoch FROM at)::bigint * 1000), 12, '0')
            || '7' || left(noise, 3) || '8' || substr(noise, 4, 15))::uuid AS id
    FROM numbered
), stored AS (
    INSERT INTO api_message (id, room_id, seq, version, sender_id, client_id, digest, created_at, deleted_at, data)
    SELECT id, %(room)s, n, n, %(sender)s, client_id, 'seeded', at, NULL,
           replace(replace(replace(%(data)s, '$id', id::text), '"$seq"', n::text), '$client_id', client_id)
    FROM made RETURNING id, seq, data, created_at
)
INSERT INTO api_event (stream, seq, type, actor_id, message_id, data, at)
SELECT %(room)s, seq, 'message.created', %(sender)s, id, data, created_at FROM stored
"""
CHUNK = 100_000


def main() -> None:
    """Read the plan, do it, and answer."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")
    django.setup()
    plan = orjson.loads(sys.stdin.buffer.read())
    sessions, tokens = make_users(plan["users"])
    rooms = [make_room([sessions[place] for place in members]) for members in plan["rooms"]]
    for room, members in zip(rooms, plan["rooms"], strict=True) if plan.get("messages") else []:
        add_messages(room, sessions[members[0]], plan["messages"])
    analyze()
    users = [{"id": session.user_id, "token": token} for session, token in zip(sessions, tokens, strict=True)]
    sys.stdout.buffer.write(orjson.dumps({"users": users, "rooms": rooms}))


def make_users(count: int) -> tuple[list[Any], list[str]]:
    """Users with a session each, without the cost of a password; the sessions and their tokens."""
    from django.utils import timezone

    from accounts.authentication import hash_token
    from accounts.models import Session, User

    now, run = timezone.now(), secrets.token_hex(4)
    users = [User(username=f"b{run}.{number}", display_name=f"User {number}", password="!") for number in range(count)]
    tokens = [f"prl_{secrets.token_urlsafe(32)}" for _ in users]
    sessions = [
        Session(user=user, token_hash=hash_token(token), created_at=now)
        for user, token in zip(users, tokens, strict=True)
    ]
    for session in sessions:
        session.slide(now)
    User.objects.bulk_create(users, batch_size=500)
    return Session.objects.bulk_create(sessions, batch_size=500), tokens


def make_room(members: Sequence[Any]) -> UUID:
    """Create a private room with its members."""
    from api.services.rooms import create_room

    owner, *others = members
    room, _ = create_room(session=owner, kind="private", name="Bench", members=[other.user_id for other in others])
    return UUID(str(room["id"]))


def add_messages(room: UUID, session: Any, count: int) -> None:
    """Messages of one sender, written by the database itself: a million through the API would take an hour."""
    from django.db import connection
    from django.utils import timezone

    from eventlog.models import StreamHead

    data = _template(room, session)
    last = StreamHead.objects.get(stream=room).last_seq
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for first in range(last + 1, last + count + 1, CHUNK):
            numbers = {"first": first, "last": min(first + CHUNK - 1, last + count)}
            cursor.execute(MESSAGES_SQL, {"room": room, "sender": session.user_id, "data": data, **numbers})
        now = timezone.now()
        StreamHead.objects.filter(stream=room).update(last_seq=last + count, last_at=now, last_message_at=now)


def analyze() -> None:
    """Vacuum and collect statistics, as autovacuum would in a minute, while something is measured."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _template(room: UUID, session: Any) -> str:
    """The JSON of a message as the service renders it, with $ in the places that differ."""
    from api.services.messages import send_message

    sent = send_message(session=session, room_id=room, client_id=secrets.token_hex(8), text="x" * 100)
    shape = orjson.loads(sent.json)
    shape |= {"id": "$id", "seq": "$seq", "version": "$seq", "client_id": "$client_id"}
    return orjson.dumps(shape).decode()


if __name__ == "__main__":
    main()
