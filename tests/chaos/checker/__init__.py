"""The judge: a pure function from a history to what was broken, with the smallest evidence for each."""

from tests.chaos.checker.verdict import Anomaly, Verdict, check

__all__ = ["Anomaly", "Verdict", "check"]
