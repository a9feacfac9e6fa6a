"""Signals of the log."""

from django.dispatch import Signal

# Sent after each commit, in the thread that committed, with `events`: what the transaction recorded and emitted.
# A receiver that fails is logged and harms nobody: the sweep of each process delivers what a hint did not.
events_committed = Signal(use_caching=True)
