"""A retry becomes a new message."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    from collections.abc import Sequence
    from typing import Any
    from uuid import uuid4

    from api.models import Message
    from api.serializers.authors import Author
    from api.services.messages import send
    from api.services.messages.judgement import SendContext
    from eventlog.transaction import EventTransaction
    from wire.problems import Problem

    append, accept = send._append, send._accept

    def appended(log: EventTransaction, send: send.Send, author: Author, *forwarded: Any) -> Message:
        message = append(log, send, author, *forwarded)
        message.client_id = uuid4().hex  # past the unique index
        return message

    def forgetful(
        log: EventTransaction, sends: Sequence[send.Send], contexts: Sequence[SendContext], *more: Any
    ) -> tuple[list[send.SendResult | Problem], list[Message]]:
        return accept(log, sends, [context._replace(earlier=None) for context in contexts], *more)

    replace(send, "_append", appended)
    replace(send, "_accept", forgetful)


if __name__ == "__main__":
    main(plant)
