"""The two doors of the socket face."""

from realtime.consumers.chat import ChatConsumer

__all__ = ["ChatConsumer"]
