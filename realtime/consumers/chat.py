"""The one multiplexed socket, /v1/ws."""

from realtime.consumers.messages import MessageActions
from realtime.consumers.presence import PresenceActions
from realtime.consumers.streamed import StreamedActions
from realtime.consumers.subscriptions import SubscriptionActions


class ChatConsumer(SubscriptionActions, MessageActions, PresenceActions, StreamedActions):
    """All actions and live events, for one device."""
