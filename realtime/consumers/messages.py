"""Message actions: each is the twin of an endpoint, with its serializer, service and answer."""

from functools import partial
from typing import Any
from uuid import UUID

import orjson
from rest_framework import serializers

from api.operations import NON_MEMBER
from api.operations.log import MARK_READ, MARK_UNREAD
from api.operations.messages import (
    DELETE_MESSAGE,
    EDIT_MESSAGE,
    GET_MESSAGE,
    GET_MESSAGES,
    GET_VERSIONS,
    MAY_NOT_WRITE,
    SEND_MESSAGE,
)
from api.operations.receipts import ACK, GET_RECEIPTS
from api.operations.rooms import UPDATE_ROOM_ME
from api.serializers.messages import SendMessageBody
from api.services import messages, reads, receipts, rooms
from api.services.messages import Send, SendResult
from realtime.consumers.actions import Reply, action, require_session
from realtime.consumers.authenticated import AuthenticatedConsumer
from realtime.database import PAGE_BYTES, read_for, write_for
from realtime.operations import GET_EVENTS, SEND_MESSAGES
from wire.fields import validate
from wire.problems import REFUSALS, Problem, to_problem

# Problems that reject a whole batch, not an item of it.
BATCH_PROBLEMS = frozenset({*NON_MEMBER, *MAY_NOT_WRITE, "auth.invalid_token", "auth.account_disabled"})


class MessageActions(AuthenticatedConsumer):
    """The actions on messages."""

    @action(SEND_MESSAGE)
    async def send_message(self, room_id: UUID, **fields: Any) -> Reply:
        sent = await messages.asend_message(session=require_session(self.session), room_id=room_id, **fields)
        return orjson.Fragment(sent.json), 201 if sent.created else 200

    @action(SEND_MESSAGES)
    async def send_messages(self, room_id: UUID, items: list[Any]) -> Reply:
        readable = [self._read_item(room_id, item) for item in items]
        sends = [item for item in readable if isinstance(item, Send)]
        user_id = require_session(self.session).user_id
        sent = await write_for(user_id, room_id, partial(messages.send_messages, sends)) if sends else []
        # One problem, not one per item, when the user may not send here and no item was sent.
        rejections = [result for result in sent if isinstance(result, Problem) and result.code in BATCH_PROBLEMS]
        if rejections and not any(isinstance(result, SendResult) for result in sent):
            raise rejections[0]
        results = iter(sent)
        return {"results": [_result(next(results) if isinstance(item, Send) else item) for item in readable]}, 200

    def _read_item(self, room_id: UUID, item: object) -> Send | Problem:
        try:
            return Send(require_session(self.session), room_id, **validate(SendMessageBody, item))
        except serializers.ValidationError as error:
            return to_problem(error)

    @action(EDIT_MESSAGE)
    async def edit_message(self, room_id: UUID, message_id: UUID, **fields: Any) -> Reply:
        session = require_session(self.session)
        edit = partial(messages.edit_message, session=session, room_id=room_id, message_id=message_id, **fields)
        message = await write_for(session.user_id, room_id, edit)
        return orjson.Fragment(message), 200

    @action(DELETE_MESSAGE)
    async def delete_message(self, room_id: UUID, message_id: UUID) -> Reply:
        session = require_session(self.session)
        delete = partial(messages.delete_message, session=session, room_id=room_id, message_id=message_id)
        await write_for(session.user_id, room_id, delete)
        return None, 204

    @action(GET_MESSAGES)
    async def get_messages(self, room_id: UUID, **page: Any) -> Reply:
        user_id = require_session(self.session).user_id
        read = partial(messages.get_messages, user_id=user_id, room_id=room_id, max_bytes=PAGE_BYTES, **page)
        answer = await read_for(user_id, read)
        return answer, 200

    @action(GET_MESSAGE)
    async def get_message(self, room_id: UUID, message_id: UUID) -> Reply:
        user_id = require_session(self.session).user_id
        read = partial(messages.get_message, user_id=user_id, room_id=room_id, message_id=message_id)
        return await read_for(user_id, read), 200

    @action(GET_VERSIONS)
    async def get_versions(self, room_id: UUID, message_id: UUID) -> Reply:
        user_id = require_session(self.session).user_id
        read = partial(
            messages.get_versions, user_id=user_id, room_id=room_id, message_id=message_id, max_bytes=PAGE_BYTES
        )
        return await read_for(user_id, read), 200

    @action(GET_EVENTS)
    async def get_events(self, room_id: UUID | None, **page: Any) -> Reply:
        user_id = require_session(self.session).user_id
        read = partial(messages.get_events, user_id=user_id, room_id=room_id, max_bytes=PAGE_BYTES, **page)
        answer = await read_for(user_id, read)
        return answer, 200

    @action(MARK_READ)
    async def mark_read(self, room_id: UUID, **body: Any) -> Reply:
        session = require_session(self.session)
        mark = partial(reads.mark_read, session=session, room_id=room_id, **body)
        return await write_for(session.user_id, room_id, mark), 200

    @action(MARK_UNREAD)
    async def mark_unread(self, room_id: UUID, seq: int) -> Reply:
        session = require_session(self.session)
        mark = partial(reads.mark_unread, session=session, room_id=room_id, seq=seq)
        return await write_for(session.user_id, room_id, mark), 200

    @action(ACK)
    async def ack(self, rooms: dict[UUID, int]) -> Reply:
        receipts.acknowledge(user_id=require_session(self.session).user_id, rooms=rooms)
        return {}, 200

    @action(GET_RECEIPTS)
    async def get_receipts(self, room_id: UUID, message_id: UUID) -> Reply:
        user_id = require_session(self.session).user_id
        read = partial(receipts.get_receipts, user_id=user_id, room_id=room_id, message_id=message_id)
        return await read_for(user_id, read), 200

    @action(UPDATE_ROOM_ME)
    async def update_room_me(self, room_id: UUID, **changes: Any) -> Reply:
        session = require_session(self.session)
        update = partial(rooms.update_room_me, session=session, room_id=room_id, changes=changes)
        return await write_for(session.user_id, room_id, update), 200


def _result(result: SendResult | Problem) -> dict[str, Any]:
    if isinstance(result, Problem):
        REFUSALS.add(result.code)
        return {"status": result.status, "id": None, "seq": None, "errors": [result.as_dict(None)]}
    return {"status": 201 if result.created else 200, "id": result.id, "seq": result.seq, "errors": []}
