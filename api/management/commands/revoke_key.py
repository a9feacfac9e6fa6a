"""`manage.py revoke_key`: revokes a server key, at once."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Q

from accounts import keys
from accounts.commands import OperatorCommand
from accounts.models import ServerKey
from wire.fields import parse_uuid


class Command(OperatorCommand):
    help = "Revoke a server key. It is refused at once, and its sockets close within two seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the key's id, or its name if no other key has it")
        super().add_arguments(parser)

    def act(self, options: dict[str, Any]) -> None:
        named, key_id = options["key"], parse_uuid(options["key"])
        found = list(ServerKey.objects.filter(Q(name=named) | Q(pk=key_id)).values_list("pk", flat=True))
        if not found and key_id is not None:
            found = [key_id]  # perhaps of a key that is revoked
        if not found:
            raise CommandError(f"There is no key {named}. One that is revoked has only its id.")
        if len(found) > 1:
            raise CommandError(f"{len(found)} keys have the name {named}: give the id, which list_keys shows.")
        is_new = keys.revoke_key(key_id=found[0], reason=options["reason"])
        self.say(f"The key {named} is revoked{'' if is_new else ' already'}.")
