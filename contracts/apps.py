"""The generator of openapi.yaml and asyncapi.yaml, and its command; no request runs through it."""

from django.apps import AppConfig


class ContractsConfig(AppConfig):
    """Gives `manage.py contracts` its place."""

    name = "contracts"
