"""A retry becomes a new message."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    from collections.abc import Sequence
    from uuid import uuid4

    from api.models import Message
    from api.serializers.messages import Author
    from api.services.messages import send
    from eventlog.transaction import EventTransaction

    append, read_contexts = send._append, send._read_contexts

    def appended(log: EventTransaction, send: send.Send, author: Author) -> Message:
        message = append(log, send, author)
        message.client_id = uuid4().hex  # past the unique index
        return message

    def forgetful(sends: Sequence[send.Send]) -> list[send.SendContext]:
        return [standing._replace(earlier=None) for standing in read_contexts(sends)]

    replace(send, "_append", appended)
    replace(send, "_read_contexts", forgetful)


if __name__ == "__main__":
    main(plant)
