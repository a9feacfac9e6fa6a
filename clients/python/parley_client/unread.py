"""The unread count of a room: as the server counted it at one seq, and what has changed it since."""

from __future__ import annotations

EXACT = 999  # the server counts no further
MOST_CHANGES = 1_000


class Unread:
    """`head` is the seq as of which the server counted `base`."""

    def __init__(self, head: int, base: int, is_capped: bool) -> None:
        self.head, self.base, self.is_capped = head, base, is_capped
        self._changes: list[tuple[int, int, int]] = []  # seq of the event, seq of the message, by

    @property
    def count(self) -> int:
        """The number of unread messages, up to EXACT."""
        return min(EXACT, max(0, self.base + sum(by for _, _, by in self._changes)))

    def change(self, seq: int, message_seq: int, by: int) -> None:
        """An event at `seq` has added or removed a message that counts."""
        if seq <= self.head or self.is_capped:
            return
        if self.count == EXACT and by > 0:
            self.is_capped = True
        self._changes.append((seq, message_seq, by))
        if len(self._changes) > MOST_CHANGES:
            self.head, _, by = self._changes.pop(0)
            self.base += by

    def count_at(self, head: int, base: int, is_capped: bool, read_seq: int) -> None:
        """Take a newer count of the server, or of the user's own action."""
        if head < self.head:
            return
        self._changes = [each for each in self._changes if each[0] > head and each[1] > read_seq]
        self.head, self.base, self.is_capped = head, base, is_capped
