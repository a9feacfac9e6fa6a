"""Signals of the log."""

from django.dispatch import Signal

# Sent after each commit, in the thread that committed, with `events`: those that the transaction recorded and emitted.
# The failure of a receiver is logged and loses nothing: the sweep of each process delivers events without a hint.
events_committed = Signal(use_caching=True)
