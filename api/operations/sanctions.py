"""Bans and mutes."""

from api.operations import CHANGES_ROOM, NON_MEMBER
from api.serializers.sanctions import BanSerializer, MuteSerializer, SanctionBody
from wire.operations import Cost, Operation
from wire.pagination import PageBody, PageQuery
from wire.schema import page_of

PUT_BAN = Operation(
    "put_ban",
    "Ban a user from a room, for ever or until a time",
    tag="bans",
    cost=Cost.WRITE,
    ids=("room_id", "user_id"),
    body=SanctionBody,
    reply=BanSerializer,
    problems=(*CHANGES_ROOM, "ban.limit"),
    description="A member is removed. Only users with a lower role, or none, can be banned.",
)

DELETE_BAN = Operation(
    "delete_ban",
    "Lift a ban",
    tag="bans",
    cost=Cost.WRITE,
    ids=("room_id", "user_id"),
    statuses=(204,),
    problems=CHANGES_ROOM,
)

LIST_BANS = Operation(
    "list_bans",
    "List the bans of a room, oldest first",
    tag="bans",
    cost=Cost.READ,
    ids=("room_id",),
    query=PageQuery,
    frame_body=PageBody,
    reply=page_of(BanSerializer),
    problems=NON_MEMBER,
)

PUT_MUTE = Operation(
    "put_mute",
    "Mute a member, for ever or until a time: they read, and cannot write",
    tag="bans",
    cost=Cost.WRITE,
    ids=("room_id", "user_id"),
    body=SanctionBody,
    reply=MuteSerializer,
    problems=(*CHANGES_ROOM, "mute.limit"),
    description="Only members with a lower role can be muted. A mute stays when they leave and come back.",
)

DELETE_MUTE = Operation(
    "delete_mute",
    "Lift a mute",
    tag="bans",
    cost=Cost.WRITE,
    ids=("room_id", "user_id"),
    statuses=(204,),
    problems=CHANGES_ROOM,
)

LIST_MUTES = Operation(
    "list_mutes",
    "List the mutes of a room, oldest first",
    tag="bans",
    cost=Cost.READ,
    ids=("room_id",),
    query=PageQuery,
    frame_body=PageBody,
    reply=page_of(MuteSerializer),
    problems=NON_MEMBER,
)
