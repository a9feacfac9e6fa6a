"""`manage.py hand_over_room`: makes a user the only owner of a room."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import audit
from accounts.commands import OperatorCommand, find_user
from api.serializers.rooms import fold_slug
from api.services import rooms
from api.services.members import ownership
from wire.fields import parse_uuid


class Command(OperatorCommand):
    help = "Make a member the owner of a room, archived or not; the owners of before become admins."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("room", help="its id or slug")
        parser.add_argument("username", help="the new owner, or their id")
        parser.add_argument("--add", action="store_true", help="make the user a member if they are none")
        super().add_arguments(parser)

    def act(self, options: dict[str, Any]) -> None:
        name, user = options["room"], find_user(options["username"])
        slug = fold_slug(name)
        room_id = (slug and rooms.find_room_id(slug)) or parse_uuid(name)
        if room_id is None:
            raise CommandError(f"There is no room {name}.")
        changed = ownership.give_room(
            room_id=room_id, user=user, add=options["add"], actor=audit.COMMAND, reason=options["reason"]
        )
        self.say(f"{user.username} owns the room." if changed else f"{user.username} was the only owner already.")
