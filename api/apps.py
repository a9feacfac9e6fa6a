"""The chat itself: rooms, members, messages and the log of everything that happened to them."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Registers the models, and the chat's part of deleting and deactivating an account."""

    name = "api"

    def ready(self) -> None:
        from accounts.events import on_account_deactivated, on_account_deleting
        from api.models import JobKind
        from api.services import erasure, jobs
        from api.services.members import ownership

        on_account_deleting.append(erasure.begin_erasure)
        on_account_deactivated.append(ownership.begin_hand_over)
        jobs.STEPS.update({JobKind.ERASE: erasure.step, JobKind.HAND_OVER: ownership.step})
