"""The chat: rooms, members, messages, and the events that record every change of them."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Declares the event types, connects the receivers of the accounts' signals, and registers the background jobs."""

    name = "api"

    def ready(self) -> None:
        from api import event_types, receivers  # noqa: F401
        from api.models import JobKind
        from api.services import erasure, jobs, messages, retention
        from api.services.members import ownership

        jobs.STEPS.update(
            {
                JobKind.ERASE: erasure.step,
                JobKind.ERASE_MESSAGES: erasure.erase_messages_step,
                JobKind.FINISH_SILENT: messages.finish_silent,
                JobKind.HAND_OVER: ownership.step,
                JobKind.PURGE: retention.step,
                JobKind.PURGE_SESSIONS: retention.purge_sessions_step,
            }
        )
