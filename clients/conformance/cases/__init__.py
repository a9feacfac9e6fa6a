"""All cases; importing this package declares them."""

from clients.conformance.cases import order, sending

__all__ = ["order", "sending"]
