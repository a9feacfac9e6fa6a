"""A retry is a new message."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    from collections.abc import Mapping
    from typing import Any
    from uuid import uuid4

    from accounts.models import User
    from api.events import Log
    from api.models import Message
    from api.services import messages

    append = messages._append

    def appended(log: Log, send: messages.Send, author: User) -> Message:
        message = append(log, send, author)
        message.client_id = uuid4().hex  # past the unique index
        return message

    def nothing(*_: Any) -> Mapping[Any, Any]:
        return {}

    messages._append = appended
    messages._find_sent = nothing  # type: ignore[assignment]


if __name__ == "__main__":
    main(plant)
