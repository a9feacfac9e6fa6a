"""The event log: gapless streams of events, the one way to write them, and the registry of their types."""

from django.apps import AppConfig


class EventLogConfig(AppConfig):
    name = "eventlog"
