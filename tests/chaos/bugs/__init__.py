"""Servers with one bug each, as patches of the entry point: `python -m tests.chaos.bugs.<name> serve`."""
