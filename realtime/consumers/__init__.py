"""The consumers of the two socket paths and of the event stream."""

from realtime.consumers.chat import ChatConsumer

__all__ = ["ChatConsumer"]
