"""The chat's socket face: it hears of commits and of ended sessions through the two ports."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """Listens at both ports as soon as the models are there."""

    name = "realtime"

    def ready(self) -> None:
        """Add the hub to the ports; it exists once the first request has come in."""
        from accounts.events import on_sessions_ended
        from api.events import on_committed
        from realtime import checks, process  # noqa: F401

        on_committed.append(process.tell_committed)
        on_sessions_ended.append(process.tell_sessions_ended)
