"""One send or reaction in twenty is acknowledged, and its transaction comes to nothing."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    import random
    from collections.abc import Callable
    from typing import Any

    from django.db import transaction

    from api.services.messages import Send, group_commit
    from api.services.reactions.write import React

    def forgetting(commit: Callable[..., Any]) -> Callable[..., Any]:
        def forgetful(*writes: Any, nowait: bool = False) -> Any:
            with transaction.atomic():
                results = commit(*writes, nowait=nowait)
                transaction.set_rollback(random.random() < 0.05)
            return results

        return forgetful

    replace(group_commit, "_write", forgetting(group_commit._write))
    for kind in (Send, React):
        replace(kind, "commit", forgetting(kind.commit))


if __name__ == "__main__":
    main(plant)
