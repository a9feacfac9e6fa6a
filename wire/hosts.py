"""Checks of the Host header against ALLOWED_HOSTS."""

from django.conf import settings
from django.http.request import split_domain_port, validate_host


def is_allowed_host(host: str) -> bool:
    """Return whether ALLOWED_HOSTS contains the host, by the rules of Django's get_host.

    Unlike there, a name may have an underscore, as names of containers do.
    """
    allowed = settings.ALLOWED_HOSTS
    if settings.DEBUG and not allowed:
        allowed = [".localhost", "127.0.0.1", "[::1]"]
    domain = domain_of(host)
    return domain != "" and validate_host(domain, allowed)


def domain_of(host: str) -> str:
    """Return the name in a Host header, in lower case and without the port; "" for a malformed header."""
    domain, _ = split_domain_port(host.replace("_", "-"))
    return host.lower()[: len(domain)]
