"""The accounts application: users and their sessions."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import schema  # noqa: F401  (drf-spectacular finds the bearer scheme by its class)
