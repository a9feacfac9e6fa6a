"""The one multiplexed socket, /v1/ws."""

from realtime.consumers.messages import MessageActions
from realtime.consumers.people import PeopleActions
from realtime.consumers.subscriptions import SubscriptionActions


class ChatConsumer(SubscriptionActions, MessageActions, PeopleActions):
    """All actions and live events, for one device."""
