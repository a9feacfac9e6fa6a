"""Streamed messages."""

from api.operations import NON_MEMBER
from api.operations.messages import MAY_NOT_WRITE
from api.serializers.message_shape import MessageSerializer
from api.serializers.streamed import AppendMessageBody, FinishMessageBody
from wire.operations import Cost, Operation

_PROBLEMS = (*NON_MEMBER, *MAY_NOT_WRITE, "message.not_author", "message.not_streaming")

APPEND_MESSAGE = Operation(
    "append_message",
    "Append to the text of a message that I stream",
    tag="messages",
    cost=Cost.WRITE,
    ids=("room_id", "message_id"),
    body=AppendMessageBody,
    reply=MessageSerializer,
    problems=(*_PROBLEMS, "stream.offset"),
    description="The same part again is no error. With a hole, or other words, the problem has the right `offset`.",
)

FINISH_MESSAGE = Operation(
    "finish_message",
    "Finish a message that I stream",
    tag="messages",
    cost=Cost.WRITE,
    ids=("room_id", "message_id"),
    body=FinishMessageBody,
    reply=MessageSerializer,
    problems=_PROBLEMS,
    description="It may be repeated. A message whose sender writes nothing for a minute is finished `interrupted`.",
)
