"""Actions on rooms and their members: each is the twin of an endpoint, with its serializer, service and answer."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from api.operations.invites import (
    CREATE_LINK,
    DECLINE_INVITE,
    DELETE_INVITE,
    DELETE_LINK,
    GET_LINK,
    GET_ROOM_LINK,
    JOIN_BY_LINK,
    LIST_INVITES,
    LIST_LINKS,
    LIST_MY_INVITES,
    PUT_INVITE,
)
from api.operations.members import JOIN_ROOM
from api.operations.rooms import PUT_OWNER, UNARCHIVE_ROOM
from api.operations.sanctions import DELETE_BAN, DELETE_MUTE, LIST_BANS, LIST_MUTES, PUT_BAN, PUT_MUTE
from api.services import members, rooms
from realtime.consumers.actions import Reply, action, require_session
from realtime.consumers.authenticated import AuthenticatedConsumer
from realtime.database import PAGE_BYTES, read_for, write_for


class RoomActions(AuthenticatedConsumer):
    """The actions on invitations, links, bans, mutes, owners and archived rooms."""

    async def _read(self, function: Callable[..., Any], **fields: Any) -> Reply:
        user_id = require_session(self.session).user_id
        return await read_for(user_id, partial(function, user_id=user_id, **fields)), 200

    async def _write(self, function: Callable[..., Any], key: UUID | str, status: int = 200, **fields: Any) -> Reply:
        """Write within the share of a room, or of a link whose room is not known yet."""
        session = require_session(self.session)
        return await write_for(session.user_id, key, partial(function, session=session, **fields)), status

    @action(PUT_INVITE)
    async def put_invite(self, room_id: UUID, user_id: UUID) -> Reply:
        return await self._write(members.put_invite, room_id, room_id=room_id, user_id=user_id)

    @action(DELETE_INVITE)
    async def delete_invite(self, room_id: UUID, user_id: UUID) -> Reply:
        return await self._write(members.withdraw_invite, room_id, 204, room_id=room_id, user_id=user_id)

    @action(LIST_INVITES)
    async def list_invites(self, room_id: UUID, **page: Any) -> Reply:
        return await self._read(members.list_invites, room_id=room_id, **page)

    @action(LIST_MY_INVITES)
    async def list_my_invites(self, **page: Any) -> Reply:
        return await self._read(rooms.list_my_invites, max_bytes=PAGE_BYTES, **page)

    @action(JOIN_ROOM)
    async def join_room(self, room_id: UUID) -> Reply:
        return await self._write(rooms.join_room, room_id, room_id=room_id)

    @action(DECLINE_INVITE)
    async def decline_invite(self, room_id: UUID) -> Reply:
        return await self._write(members.decline_invite, room_id, 204, room_id=room_id)

    @action(CREATE_LINK)
    async def create_link(self, room_id: UUID, **body: Any) -> Reply:
        return await self._write(rooms.create_link, room_id, 201, room_id=room_id, **body)

    @action(LIST_LINKS)
    async def list_links(self, room_id: UUID, **page: Any) -> Reply:
        return await self._read(rooms.list_links, room_id=room_id, **page)

    @action(GET_ROOM_LINK)
    async def get_room_link(self, room_id: UUID, link_id: UUID) -> Reply:
        return await self._read(rooms.get_room_link, room_id=room_id, link_id=link_id)

    @action(DELETE_LINK)
    async def delete_link(self, room_id: UUID, link_id: UUID) -> Reply:
        return await self._write(rooms.delete_link, room_id, 204, room_id=room_id, link_id=link_id)

    @action(GET_LINK)
    async def get_link(self, code: str) -> Reply:
        user_id = require_session(self.session).user_id
        return await read_for(user_id, partial(rooms.get_link, code=code)), 200

    @action(JOIN_BY_LINK)
    async def join_by_link(self, code: str) -> Reply:
        return await self._write(rooms.join_by_link, code, code=code)

    @action(PUT_BAN)
    async def put_ban(self, room_id: UUID, user_id: UUID, **body: Any) -> Reply:
        return await self._write(members.put_ban, room_id, room_id=room_id, user_id=user_id, **body)

    @action(DELETE_BAN)
    async def delete_ban(self, room_id: UUID, user_id: UUID) -> Reply:
        return await self._write(members.end_ban, room_id, 204, room_id=room_id, user_id=user_id)

    @action(LIST_BANS)
    async def list_bans(self, room_id: UUID, **page: Any) -> Reply:
        return await self._read(members.list_bans, room_id=room_id, **page)

    @action(PUT_MUTE)
    async def put_mute(self, room_id: UUID, user_id: UUID, **body: Any) -> Reply:
        return await self._write(members.put_mute, room_id, room_id=room_id, user_id=user_id, **body)

    @action(DELETE_MUTE)
    async def delete_mute(self, room_id: UUID, user_id: UUID) -> Reply:
        return await self._write(members.end_mute, room_id, 204, room_id=room_id, user_id=user_id)

    @action(LIST_MUTES)
    async def list_mutes(self, room_id: UUID, **page: Any) -> Reply:
        return await self._read(members.list_mutes, room_id=room_id, **page)

    @action(PUT_OWNER)
    async def put_owner(self, room_id: UUID, user_id: UUID) -> Reply:
        return await self._write(members.put_owner, room_id, room_id=room_id, user_id=user_id)

    @action(UNARCHIVE_ROOM)
    async def unarchive_room(self, room_id: UUID) -> Reply:
        return await self._write(rooms.unarchive_room, room_id, room_id=room_id)
