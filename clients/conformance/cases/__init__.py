"""All cases; importing this package declares them."""

from clients.conformance.cases import conversation, cost, endings, forward, identity, live, memberships, order, sending

__all__ = ["conversation", "cost", "endings", "forward", "identity", "live", "memberships", "order", "sending"]
