"""A subscription as its socket holds it: with its feed, and with the plan of its replay."""

from dataclasses import dataclass
from typing import Any

from realtime.feed import Feed
from realtime.replay_plan import Replay, ReplayPlan
from realtime.subscription import Subscription


@dataclass(frozen=True, slots=True)
class SubscriptionHandle:
    """A subscription in its feed, for the socket that prepares, starts and stops it."""

    feed: Feed
    subscription: Subscription
    plan: ReplayPlan

    def reply(self, running: Subscription | None = None) -> dict[str, Any]:
        """The reply to a subscribe. With a running subscription it reports that one, which goes on as it is."""
        reply = {
            "room_id": None if self.feed.stream == self.subscription.user_id else self.feed.stream,
            "after": self.plan.cursor,
            "head": self.plan.head,
            "epoch": self.plan.epoch,
            "replay": self.plan.replay,
        }
        if running is not None:
            reply |= {"after": running.delivered_up_to, "replay": Replay.COMPLETE}
            if running.epoch != self.plan.epoch:  # its reset after a restore has not been sent yet
                reply |= {"epoch": running.epoch, "head": running.delivered_up_to}
        return reply
