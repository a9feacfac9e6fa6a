"""A finding of the doctor: one line with a stable code."""

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """The severity of a finding: an error breaks a guarantee or keeps the server from serving."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(NamedTuple):
    """A fault, or a note: its code, its level, a sentence, and the remedy."""

    code: str
    level: Level
    text: str
    remedy: str = ""

    def line(self) -> str:
        """Return the finding as one line, whatever it quotes."""
        return " ".join(f"{self.level.upper():<8}{self.code}: {self.text} {self.remedy}".split())
