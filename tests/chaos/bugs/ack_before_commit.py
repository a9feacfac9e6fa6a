"""One send in twenty is acknowledged, and its transaction comes to nothing."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    import random
    from collections.abc import Sequence

    from django.db import transaction

    from api.services.messages import Send, SendResult, group_commit, send, send_messages
    from wire.problems import Problem

    def forgetful(sends: Sequence[Send], *, nowait: bool = False) -> list[SendResult | Problem]:
        with transaction.atomic():
            results = send_messages(sends, nowait=nowait)
            transaction.set_rollback(random.random() < 0.05)
        return results

    def forgetful_of_one(only: Send, *, nowait: bool = False) -> SendResult | Problem:
        with transaction.atomic():
            result = send.send_one(only, nowait=nowait)
            transaction.set_rollback(random.random() < 0.05)
        return result

    replace(group_commit, "send_messages", forgetful)
    replace(group_commit, "send_one", forgetful_of_one)


if __name__ == "__main__":
    main(plant)
