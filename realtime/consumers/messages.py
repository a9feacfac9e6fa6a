"""Message actions: each is the twin of an endpoint, with its serializer, service and answer."""

from functools import partial
from typing import Any
from uuid import UUID

import orjson
from rest_framework import serializers

from api.serializers.events import EventsBody, EventsSerializer
from api.serializers.messages import (
    EditMessageSerializer,
    HistoryBody,
    HistorySerializer,
    MessageSerializer,
    SendMessageSerializer,
    SendMessagesSerializer,
)
from api.serializers.reads import MarkerSerializer, ReadSerializer, UnreadSerializer
from api.serializers.rooms import RoomMeSerializer, UpdateRoomMe
from api.services import messages, reads, rooms
from api.services.messages import history
from api.services.messages.send import Send, SendResult, send_messages
from realtime.consumers.actions import Reply, action, require_session
from realtime.consumers.authenticated import AuthenticatedConsumer
from realtime.consumers.subscriptions import OUTSIDE, RoomBody, StreamBody
from realtime.database import PAGE_BYTES, read_for, send, write_for
from wire.fields import validate
from wire.problems import Problem, to_problem
from wire.schema import ProblemSerializer

# Problems that reject a whole batch, not an item of it.
BATCH_PROBLEMS = frozenset(
    {*OUTSIDE, "room.archived", "room.peer_deleted", "auth.invalid_token", "auth.account_disabled"}
)


class MessageBody(RoomBody):
    """A message of a room."""

    message_id = serializers.UUIDField()


class SendMessageBody(RoomBody, SendMessageSerializer):
    """A message for a room."""


class SendMessagesBody(RoomBody, SendMessagesSerializer):
    """Messages for a room, in order."""


class EditMessageBody(MessageBody, EditMessageSerializer):
    """The changes to a message."""


class GetMessagesBody(RoomBody, HistoryBody):
    """A page of a room's history."""


class GetEventsBody(StreamBody, EventsBody):
    """A page of a room's events, or of the inbox."""


class MarkReadBody(RoomBody, ReadSerializer):
    """Read up to here."""


class MarkUnreadBody(RoomBody, UnreadSerializer):
    """Unread from here."""


class UpdateRoomMeBody(RoomBody, UpdateRoomMe):
    """The changes to the room's `me`."""


class SentSerializer(serializers.Serializer[Any]):
    """The result of one item: 201, 200 for a retry, or its problem."""

    status = serializers.IntegerField()
    id = serializers.UUIDField(allow_null=True)
    seq = serializers.IntegerField(allow_null=True)
    errors = ProblemSerializer(many=True)  # type: ignore[assignment]


class SentItemsSerializer(serializers.Serializer[Any]):
    """The result of each item, in the order in which they were given."""

    results = SentSerializer(many=True)


class MessageActions(AuthenticatedConsumer):
    """The actions on messages."""

    @action(
        SendMessageBody,
        MessageSerializer,
        statuses=(201, 200),
        problems=(*OUTSIDE, "room.archived", "room.peer_deleted", "message.client_id_reused"),
    )
    async def send_message(self, room_id: UUID, **fields: Any) -> Reply:
        """Send a message; a retry with the same client_id sends it once."""
        sent = await send(Send(require_session(self.session), room_id, **fields))
        return orjson.Fragment(sent.json), 201 if sent.created else 200

    @action(SendMessagesBody, SentItemsSerializer, problems=(*OUTSIDE, "room.archived", "room.peer_deleted"))
    async def send_messages(self, room_id: UUID, items: list[Any]) -> Reply:
        """Send several messages in order; a bad item fails alone, and the batch may be retried."""
        readable = [self._read_item(room_id, item) for item in items]
        sends = [item for item in readable if isinstance(item, Send)]
        user_id = require_session(self.session).user_id
        sent = await write_for(user_id, room_id, partial(send_messages, sends)) if sends else []
        # One problem, not one per item, when the user may not send here and no item was sent.
        rejections = [result for result in sent if isinstance(result, Problem) and result.code in BATCH_PROBLEMS]
        if rejections and not any(isinstance(result, SendResult) for result in sent):
            raise rejections[0]
        results = iter(sent)
        return {"results": [_result(next(results) if isinstance(item, Send) else item) for item in readable]}, 200

    def _read_item(self, room_id: UUID, item: object) -> Send | Problem:
        try:
            return Send(require_session(self.session), room_id, **validate(SendMessageSerializer, item))
        except serializers.ValidationError as error:
            return to_problem(error)

    @action(
        EditMessageBody,
        MessageSerializer,
        problems=(
            *OUTSIDE,
            "message.not_author",
            "message.deleted",
            "message.version_conflict",
            "room.archived",
            "room.peer_deleted",
        ),
    )
    async def edit_message(self, room_id: UUID, message_id: UUID, **fields: Any) -> Reply:
        """Edit an own message."""
        session = require_session(self.session)
        edit = partial(messages.edit_message, session=session, room_id=room_id, message_id=message_id, **fields)
        message = await write_for(session.user_id, room_id, edit)
        return orjson.Fragment(message), 200

    @action(MessageBody, statuses=(204,), problems=(*OUTSIDE, "message.not_author", "room.archived"))
    async def delete_message(self, room_id: UUID, message_id: UUID) -> Reply:
        """Delete a message; a tombstone remains."""
        session = require_session(self.session)
        delete = partial(messages.delete_message, session=session, room_id=room_id, message_id=message_id)
        await write_for(session.user_id, room_id, delete)
        return None, 204

    @action(GetMessagesBody, HistorySerializer, problems=OUTSIDE)
    async def get_messages(self, room_id: UUID, **page: Any) -> Reply:
        """A page of a room's history, oldest first."""
        user_id = require_session(self.session).user_id
        read = partial(history.get_messages, user_id=user_id, room_id=room_id, max_bytes=PAGE_BYTES, **page)
        answer = await read_for(user_id, read)
        return answer, 200

    @action(GetEventsBody, EventsSerializer, problems=OUTSIDE)
    async def get_events(self, room_id: UUID | None, **page: Any) -> Reply:
        """A page of a room's events, or of the inbox."""
        user_id = require_session(self.session).user_id
        read = partial(history.get_events, user_id=user_id, room_id=room_id, max_bytes=PAGE_BYTES, **page)
        answer = await read_for(user_id, read)
        return answer, 200

    @action(MarkReadBody, MarkerSerializer, problems=(*OUTSIDE, "read.ahead"))
    async def mark_read(self, room_id: UUID, seq: int) -> Reply:
        """Move the read marker forward."""
        session = require_session(self.session)
        mark = partial(reads.mark_read, session=session, room_id=room_id, seq=seq)
        return await write_for(session.user_id, room_id, mark), 200

    @action(MarkUnreadBody, MarkerSerializer, problems=(*OUTSIDE, "read.ahead"))
    async def mark_unread(self, room_id: UUID, seq: int) -> Reply:
        """Move the read marker back to before this seq."""
        session = require_session(self.session)
        mark = partial(reads.mark_unread, session=session, room_id=room_id, seq=seq)
        return await write_for(session.user_id, room_id, mark), 200

    @action(UpdateRoomMeBody, RoomMeSerializer, problems=OUTSIDE)
    async def update_room_me(self, room_id: UUID, **changes: Any) -> Reply:
        """Hide a room until its next message, or show it again."""
        session = require_session(self.session)
        update = partial(rooms.update_room_me, session=session, room_id=room_id, **changes)
        return await write_for(session.user_id, room_id, update), 200


def _result(result: SendResult | Problem) -> dict[str, Any]:
    if isinstance(result, Problem):
        return {"status": result.status, "id": None, "seq": None, "errors": [result.as_dict(None)]}
    return {"status": 201 if result.created else 200, "id": result.id, "seq": result.seq, "errors": []}
