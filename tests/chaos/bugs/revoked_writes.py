"""A write does not check that its session is still alive."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    from collections.abc import Iterable, Sequence
    from typing import Any
    from uuid import UUID

    from api.models import Message
    from api.serializers.authors import Author
    from api.services.messages import send
    from api.services.messages.judgement import SendContext
    from eventlog.transaction import EventTransaction
    from realtime.sessions import Sessions
    from wire.problems import Problem

    accept = send._accept

    def believing(
        log: EventTransaction, sends: Sequence[send.Send], contexts: Sequence[SendContext], *more: Any
    ) -> tuple[list[send.SendResult | Problem], list[Message]]:
        alive = [
            context._replace(is_active=True, author=Author.of(send.session.user))
            for send, context in zip(sends, contexts, strict=True)
        ]
        return accept(log, sends, alive, *more)

    async def verify(self: Sessions, ids: Iterable[str | UUID]) -> None:
        return

    replace(send, "_accept", believing)
    replace(Sessions, "verify", verify)


if __name__ == "__main__":
    main(plant)
