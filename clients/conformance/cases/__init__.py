"""All cases; importing this package declares them."""

from clients.conformance.cases import cost, endings, forward, identity, live, order, sending

__all__ = ["cost", "endings", "forward", "identity", "live", "order", "sending"]
