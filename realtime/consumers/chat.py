"""The one multiplexed socket, /v1/ws."""

from realtime.consumers.messages import MessageActions
from realtime.consumers.rooms import RoomActions
from realtime.consumers.subscriptions import SubscriptionActions


class ChatConsumer(SubscriptionActions, MessageActions, RoomActions):
    """All actions and live events, for one device."""
