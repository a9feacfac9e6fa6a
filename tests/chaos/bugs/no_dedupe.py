"""A retry becomes a new message."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Break it."""
    from collections.abc import Sequence
    from uuid import uuid4

    from api.events import Log
    from api.models import Message
    from api.serializers.messages import Author
    from api.services.messages import send

    append, look_up = send._append, send._look_up

    def appended(log: Log, send: send.Send, author: Author) -> Message:
        message = append(log, send, author)
        message.client_id = uuid4().hex  # past the unique index
        return message

    def forgetful(sends: Sequence[send.Send]) -> list[send.SendContext]:
        return [standing._replace(earlier=None) for standing in look_up(sends)]

    replace(send, "_append", appended)
    replace(send, "_look_up", forgetful)


if __name__ == "__main__":
    main(plant)
