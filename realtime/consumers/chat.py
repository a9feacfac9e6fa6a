"""The one multiplexed socket, /v1/ws."""

from realtime.consumers.messages import Messages
from realtime.consumers.streams import Streams


class ChatConsumer(Streams, Messages):
    """Everything live, for one device."""
