"""Reactions."""

from api.operations import NON_MEMBER
from api.serializers.message_shape import MessageSerializer
from api.serializers.reactions import ReactBody, ReactionsBody, ReactionsQuery, UserReactionSerializer
from wire.fields import EmptySerializer
from wire.operations import Cost, Operation
from wire.schema import page_of

_REFUSED = (*NON_MEMBER, "room.archived", "room.peer_deleted", "room.read_only", "user.blocked")

REACT = Operation(
    "react",
    "Add a reaction to a message, or remove mine",
    tag="reactions",
    cost=Cost.WRITE,
    ids=("room_id", "message_id"),
    body=ReactBody,
    reply=MessageSerializer,
    problems=(*_REFUSED, "message.deleted", "reaction.limit"),
)
PUT_REACTION = Operation(
    "put_reaction",
    "Add a reaction to a message",
    tag="reactions",
    cost=Cost.WRITE,
    ids=("room_id", "message_id", "key"),
    body=EmptySerializer,
    reply=MessageSerializer,
    problems=REACT.problems,
    description="A message has at most 20 different keys, and 10 of each user. A reaction that is there stays.",
)
DELETE_REACTION = Operation(
    "delete_reaction",
    "Remove my reaction from a message",
    tag="reactions",
    cost=Cost.WRITE,
    ids=("room_id", "message_id", "key"),
    reply=MessageSerializer,
    problems=_REFUSED,
    description="A reaction that is not there is removed already.",
)
LIST_REACTIONS = Operation(
    "list_reactions",
    "List the reactions to a message with their users, by key and then by time",
    tag="reactions",
    cost=Cost.READ,
    ids=("room_id", "message_id"),
    query=ReactionsQuery,
    frame_body=ReactionsBody,
    reply=page_of(UserReactionSerializer),
    problems=NON_MEMBER,
)
