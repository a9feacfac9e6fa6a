"""One send in twenty is acknowledged, and its transaction comes to nothing."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    import random
    from collections.abc import Sequence

    from django.db import transaction

    from api.services import gathering
    from api.services.sending import Send, Sent, send_messages
    from wire.problems import Problem

    def forgetful(sends: Sequence[Send], *, nowait: bool = False) -> list[Sent | Problem]:
        with transaction.atomic():
            results = send_messages(sends, nowait=nowait)
            transaction.set_rollback(random.random() < 0.05)
        return results

    gathering.send_messages = forgetful  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(plant)
