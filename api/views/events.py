"""The REST face of the log: a room's events, and the inbox."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.serializers.events import EventsQuery, EventsSerializer
from api.services import messages
from wire.fields import QuerySerializer
from wire.schema import problems


class EventsView(SessionView):
    """The events of a room."""

    queries: ClassVar[dict[str, type[QuerySerializer]]] = {"GET": EventsQuery}

    @extend_schema(
        operation_id="get_events",
        summary="A page of a room's events, in order",
        description="after < seq < before. With before alone the newest below it, else the oldest first. "
        "A page ends at 1 MiB, and `more` says so.",
        parameters=[EventsQuery],
        responses={200: EventsSerializer, **problems("not_found", "room.not_member")},
    )
    def get(self, request: Request, room_id: UUID) -> Response:
        return Response(messages.get_events(user_id=self.session.user_id, room_id=room_id, **self.query))


class InboxView(SessionView):
    """The events of the user's inbox."""

    queries: ClassVar[dict[str, type[QuerySerializer]]] = {"GET": EventsQuery}

    @extend_schema(
        operation_id="get_inbox",
        summary="A page of my inbox: where I was added and removed, and how far I have read",
        parameters=[EventsQuery],
        responses={200: EventsSerializer, **problems()},
    )
    def get(self, request: Request) -> Response:
        return Response(messages.get_events(user_id=self.session.user_id, room_id=None, **self.query))
