"""Everything that changes anything, as short stories; to import them is to note them in CASES."""

from tests.fold.case import CASES
from tests.fold.stories import (
    accounts,
    blocks,
    entries,
    members,
    messages,
    reactions,
    reads,
    retention,
    rooms,
    threads,
)

__all__ = [
    "CASES",
    "accounts",
    "blocks",
    "entries",
    "members",
    "messages",
    "reactions",
    "reads",
    "retention",
    "rooms",
    "threads",
]
