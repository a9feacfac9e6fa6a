"""The one multiplexed socket, /v1/ws."""

from realtime.consumers.messages import MessageActions
from realtime.consumers.subscriptions import SubscriptionActions
from realtime.consumers.threads import ThreadActions


class ChatConsumer(SubscriptionActions, MessageActions, ThreadActions):
    """All actions and live events, for one device."""
