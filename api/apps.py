"""The chat itself: rooms, members, messages and the log of everything that happened to them."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Registers the models, and the chat's part of deleting an account."""

    name = "api"

    def ready(self) -> None:
        from accounts.events import on_account_deleting
        from api.services.members import leave_all_rooms

        on_account_deleting.append(leave_all_rooms)
