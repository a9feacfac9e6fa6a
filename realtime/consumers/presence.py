"""The presence actions of a socket."""

from typing import Any
from uuid import UUID

from realtime.consumers.actions import Reply, action, require_session
from realtime.consumers.authenticated import AuthenticatedConsumer
from realtime.operations import SET_PRESENCE, WATCH_PRESENCE
from realtime.presence.states import Activity
from realtime.presence.watchers import Watcher


class PresenceActions(AuthenticatedConsumer):
    """The actions on presence: this device's own, and that of the people whom it watches."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.watcher: Watcher | None = None

    @action(WATCH_PRESENCE)
    async def watch_presence(self, user_ids: list[UUID]) -> Reply:
        if self.watcher is None:
            self.watcher = Watcher(require_session(self.session).user_id, self.send_queue)
        states = await self.hub.presence.watch(self.watcher, user_ids)
        if self.closing:
            self.hub.presence.unwatch(self.watcher)
        return {"states": states}, 200

    @action(SET_PRESENCE)
    async def set_presence(self, state: str) -> Reply:
        activity = Activity(state)
        self.hub.presence.devices.set_activity(self, require_session(self.session).user_id, activity)
        return {"state": state}, 200

    def clean_up(self) -> None:
        super().clean_up()
        if self.watcher is not None:
            self.hub.presence.unwatch(self.watcher)
