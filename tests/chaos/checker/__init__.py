"""The checker: a pure function from a history to its anomalies, each with the smallest evidence."""

from tests.chaos.checker.verdict import Verdict, check
from tests.chaos.checker.world import Anomaly

__all__ = ["Anomaly", "Verdict", "check"]
