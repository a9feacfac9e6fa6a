"""Fills the database of an attack: `python -m tests.attack.seed ROOMS`. The answer on stdout is a World as JSON."""

from __future__ import annotations

import os
import sys
from uuid import uuid4

import django
import orjson

USERS, HEAVY, PUBLIC_ROOMS, MESSAGES = 160, 3, 20_000, 100


def main() -> None:
    """Make users, rooms that the first users share, a room of long messages, and a directory."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")
    django.setup()
    from django.utils import timezone
    from uuid_utils.compat import uuid7

    from api.models import Room
    from api.services.messages import Send, send_messages
    from eventlog.models import StreamHead
    from tests.bench.seed import analyze, make_room, make_users

    sessions, tokens = make_users(USERS)
    heavy = [make_room(sessions[:HEAVY]) for _ in range(int(sys.argv[1]))]
    own = [make_room([session]) for session in sessions[HEAVY:]]
    honest = make_room(sessions[-4:])
    long_text = "A sentence of an ordinary length, again and again. " * 140
    owner = sessions[HEAVY]
    for _ in range(MESSAGES):
        send_messages([Send(owner, own[0], uuid4().hex, long_text, {}, None)])
    now = timezone.now()
    rooms = [
        Room(id=uuid7(), kind="public", name=f"Room {number}", slug=f"room-{number}", created_at=now)
        for number in range(PUBLIC_ROOMS)
    ]
    Room.objects.bulk_create(rooms, batch_size=500)
    StreamHead.objects.bulk_create(
        [StreamHead(stream=room.id, last_at=room.created_at) for room in rooms], batch_size=500
    )
    analyze()
    world = {
        "tokens": tokens,
        "users": [session.user_id for session in sessions],
        "heavy": heavy,
        "own": own,
        "honest": honest,
    }
    sys.stdout.buffer.write(orjson.dumps(world))


if __name__ == "__main__":
    main()
