"""The REST face of messages."""

from typing import ClassVar
from uuid import UUID

import orjson
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.serializers.messages import (
    EditMessageSerializer,
    HistoryQuery,
    HistorySerializer,
    MessageSerializer,
    SendMessageSerializer,
)
from api.services import messages
from wire.fields import QuerySerializer
from wire.schema import problems

OUTSIDE = ("not_found", "room.not_member")


class MessagesView(SessionView):
    """A room's messages: the history, and where one speaks."""

    queries: ClassVar[dict[str, type[QuerySerializer]]] = {"GET": HistoryQuery}

    @extend_schema(
        operation_id="get_messages",
        summary="A page of a room's history, oldest first",
        description=(
            "Without an anchor the newest. before and after exclude their anchor, around includes it. A page ends at "
            "1 MiB, and more_before or more_after says so."
        ),
        parameters=[HistoryQuery],
        responses={200: HistorySerializer, **problems(*OUTSIDE)},
    )
    def get(self, request: Request, room_id: UUID) -> Response:
        return Response(messages.get_messages(user_id=self.session.user_id, room_id=room_id, **self.query))

    @extend_schema(
        operation_id="send_message",
        summary="Say something; sent again with the same client_id, it is said once",
        request=SendMessageSerializer,
        responses={
            201: MessageSerializer,
            200: MessageSerializer,
            **problems(*OUTSIDE, "room.archived", "room.peer_deleted", "message.client_id_reused", body=True),
        },
    )
    def post(self, request: Request, room_id: UUID) -> Response:
        body = self.body(SendMessageSerializer)
        sent = messages.send_message(session=self.session, room_id=room_id, **body)
        return Response(orjson.Fragment(sent.json), 201 if sent.created else 200)


class MessageView(SessionView):
    """One message."""

    @extend_schema(
        operation_id="get_message",
        summary="One message as it is now",
        responses={200: MessageSerializer, **problems(*OUTSIDE)},
    )
    def get(self, request: Request, room_id: UUID, message_id: UUID) -> Response:
        message = messages.get_message(user_id=self.session.user_id, room_id=room_id, message_id=message_id)
        return Response(orjson.Fragment(message))

    @extend_schema(
        operation_id="edit_message",
        summary="Change a message of mine",
        description="With if_version only if nothing happened to it since. What is already so is no conflict.",
        request=EditMessageSerializer,
        responses={
            200: MessageSerializer,
            **problems(
                *OUTSIDE,
                "message.not_author",
                "message.deleted",
                "message.version_conflict",
                "room.archived",
                "room.peer_deleted",
                body=True,
            ),
        },
    )
    def patch(self, request: Request, room_id: UUID, message_id: UUID) -> Response:
        body = self.body(EditMessageSerializer)
        message = messages.edit_message(session=self.session, room_id=room_id, message_id=message_id, **body)
        return Response(orjson.Fragment(message))

    @extend_schema(
        operation_id="delete_message",
        summary="Leave a tombstone of a message",
        responses={204: None, **problems(*OUTSIDE, "message.not_author", "room.archived")},
    )
    def delete(self, request: Request, room_id: UUID, message_id: UUID) -> Response:
        messages.delete_message(session=self.session, room_id=room_id, message_id=message_id)
        return Response(status=204)
