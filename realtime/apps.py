"""The chat's socket face."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """Declares the ephemeral event types, and connects the hub to the commits and to the ended sessions."""

    name = "realtime"

    def ready(self) -> None:
        """Connect the receivers. They do nothing until the first request has started the hub."""
        from accounts.signals import sessions_ended
        from eventlog.signals import events_committed
        from realtime import checks, event_types, process  # noqa: F401

        events_committed.connect(process.publish_events)
        sessions_ended.connect(process.close_sockets)
