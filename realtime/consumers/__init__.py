"""The consumers of the two socket paths."""

from realtime.consumers.chat import ChatConsumer

__all__ = ["ChatConsumer"]
