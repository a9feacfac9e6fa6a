"""The one multiplexed socket, /v1/ws."""

from realtime.consumers.messages import MessageActions
from realtime.consumers.people import PeopleActions
from realtime.consumers.pins import PinActions
from realtime.consumers.presence import PresenceActions
from realtime.consumers.reactions import ReactionActions
from realtime.consumers.rooms import RoomActions
from realtime.consumers.streamed import StreamedActions
from realtime.consumers.subscriptions import SubscriptionActions
from realtime.consumers.threads import ThreadActions


class ChatConsumer(
    SubscriptionActions,
    MessageActions,
    ReactionActions,
    PinActions,
    ThreadActions,
    RoomActions,
    PeopleActions,
    PresenceActions,
    StreamedActions,
):
    """All actions and live events, for one device."""
