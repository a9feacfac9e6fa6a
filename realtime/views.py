"""The REST face of sync, of the stream of events and of presence, for clients that have no websocket."""

from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.log import SYNC
from api.services.sync import SyncRequest, sync
from eventlog.heads import read_heads
from realtime.consumers.event_stream import MEDIA_TYPE, EventStream
from realtime.long_poll import LongPoll
from realtime.operations import SET_PRESENCE, STREAM, WATCH_PRESENCE
from realtime.presence.service import read_states
from realtime.presence.states import Activity
from realtime.process import set_presence
from wire.budget import ANSWER_BYTES
from wire.deferred import DeferredResponse
from wire.renderers import JsonRenderer
from wire.views import endpoint


class SyncView(SessionView):
    """Answers a device with everything that it has missed, at once or as soon as there is something."""

    @endpoint(SYNC)
    def post(self, request: Request, wait_ms: int | None, presence: str | None, **body: Any) -> HttpResponse:
        wanted = SyncRequest(self.session.user_id, **body)
        if wait_ms and wanted.next is None:
            poll = LongPoll(self.session, wanted, wait_ms / 1000, Activity(presence or Activity.ACTIVE))
            return DeferredResponse(poll.finish, JsonRenderer.media_type)
        return Response(sync(wanted, ANSWER_BYTES).data)


class EventStreamRenderer(JsonRenderer):
    """Lets a client accept server-sent events; a problem is JSON all the same."""

    media_type = MEDIA_TYPE


class StreamView(SessionView):
    """Opens a stream of the events of all rooms and of the inbox."""

    renderer_classes = (JsonRenderer, EventStreamRenderer)

    @property
    def default_response_headers(self) -> dict[str, str]:
        # A proxy that compresses or collects the answer would hold back events (the second header is nginx's).
        return {
            **super().default_response_headers,
            "Cache-Control": "no-store, no-transform",
            "X-Accel-Buffering": "no",
        }

    @endpoint(STREAM)
    def post(
        self, request: Request, wait_ms: int | None, next: str | None, presence: str | None, **body: Any
    ) -> HttpResponse:
        epoch, _ = read_heads([])
        wanted = SyncRequest(self.session.user_id, **body)
        activity = Activity(presence or Activity.ACTIVE)
        return DeferredResponse(partial(EventStream.finish, self.session, epoch, wanted, activity), MEDIA_TYPE)


class PresenceView(SessionView):
    """Sets the activity of the session's devices."""

    @endpoint(SET_PRESENCE)
    def put(self, request: Request, state: str) -> Response:
        set_presence(self.session, Activity(state))
        return Response({"state": state})


class WatchPresenceView(SessionView):
    """Reads the presence of users, once."""

    @endpoint(WATCH_PRESENCE)
    def post(self, request: Request, user_ids: list[UUID]) -> Response:
        return Response({"states": read_states(self.session.user_id, user_ids)})
