"""The judge: a pure function from a history to what was broken, with the smallest evidence for each."""

from tests.chaos.checker.verdict import Verdict, check
from tests.chaos.checker.world import Anomaly

__all__ = ["Anomaly", "Verdict", "check"]
