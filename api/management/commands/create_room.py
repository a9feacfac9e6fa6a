"""`manage.py create_room`: creates a room that a user owns."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import audit
from accounts.commands import OperatorCommand, find_user
from api.models.choices import History, Kind
from api.serializers.rooms import CreateRoomBody
from api.services import rooms


class Command(OperatorCommand):
    help = "Create a room and print its id. The same command again prints the id of the same room."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--owner", required=True, help="a username, or the id of a user")
        parser.add_argument("--kind", choices=[Kind.PUBLIC.value, Kind.PRIVATE.value], default=Kind.PUBLIC.value)
        parser.add_argument("--slug", help="the name of a public room in URLs")
        parser.add_argument("--topic", default="")
        parser.add_argument("--member", action="append", default=[], metavar="USERNAME", help="may be repeated")
        parser.add_argument("--history", choices=History.values, help="default: shared in public rooms")
        parser.add_argument("--client-id", help="tells a second room of the same kind, name and slug apart")
        super().add_arguments(parser)

    def act(self, options: dict[str, Any]) -> None:
        owner = find_user(options["owner"])
        given = {name: options[name] for name in ("name", "kind", "slug", "topic")}
        given["members"] = [str(find_user(member).pk) for member in options["member"]]
        given |= {name: options[name] for name in ("history", "client_id") if options[name] is not None}
        body = CreateRoomBody(data=given)
        body.is_valid(raise_exception=True)
        room_id, is_new = rooms.create_room_of(
            owner=owner, body=body.validated_data, actor=audit.COMMAND, reason=options["reason"]
        )
        self.say(f"{room_id}" if is_new else f"{room_id} (it existed already)")
