"""The chat itself: rooms, members, messages and the log of everything that happened to them."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Registers the models."""

    name = "api"
