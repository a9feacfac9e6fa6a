"""The REST face of rooms."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.members import JOIN_ROOM, LEAVE_ROOM
from api.operations.rooms import (
    ARCHIVE_ROOM,
    CREATE_ROOM,
    GET_OR_CREATE_DIRECT_ROOM,
    GET_ROOM,
    LIST_DIRECTORY,
    LIST_ROOMS,
    PUT_OWNER,
    UNARCHIVE_ROOM,
    UPDATE_ROOM,
    UPDATE_ROOM_ME,
)
from api.services import members, rooms
from wire.views import endpoint


class RoomsView(SessionView):
    @endpoint(LIST_ROOMS)
    def get(self, request: Request, **query: Any) -> Response:
        return Response(rooms.list_rooms(user_id=self.session.user.id, **query))

    @endpoint(CREATE_ROOM)
    def post(self, request: Request, **body: Any) -> Response:
        room, created = rooms.create_room(session=self.session, **body)
        return Response(room, 201 if created else 200)


class DirectoryView(SessionView):
    @endpoint(LIST_DIRECTORY)
    def get(self, request: Request, **query: Any) -> Response:
        return Response(rooms.list_directory(user_id=self.session.user.id, **query))


class RoomView(SessionView):
    @endpoint(GET_ROOM)
    def get(self, request: Request, room_id: UUID) -> Response:
        return Response(rooms.get_room(user_id=self.session.user.id, room_id=room_id))

    @endpoint(UPDATE_ROOM)
    def patch(self, request: Request, room_id: UUID, **changes: Any) -> Response:
        return Response(rooms.update_room(session=self.session, room_id=room_id, changes=changes))

    @endpoint(ARCHIVE_ROOM)
    def delete(self, request: Request, room_id: UUID) -> Response:
        rooms.archive_room(session=self.session, room_id=room_id)
        return Response(status=204)


class RoomMeView(SessionView):
    @endpoint(UPDATE_ROOM_ME)
    def patch(self, request: Request, room_id: UUID, **changes: Any) -> Response:
        return Response(rooms.update_room_me(session=self.session, room_id=room_id, changes=changes))


class OwnerView(SessionView):
    @endpoint(PUT_OWNER)
    def put(self, request: Request, room_id: UUID, user_id: UUID) -> Response:
        return Response(members.put_owner(session=self.session, room_id=room_id, user_id=user_id))


class UnarchiveView(SessionView):
    @endpoint(UNARCHIVE_ROOM)
    def post(self, request: Request, room_id: UUID) -> Response:
        return Response(rooms.unarchive_room(session=self.session, room_id=room_id))


class DirectRoomView(SessionView):
    @endpoint(GET_OR_CREATE_DIRECT_ROOM)
    def put(self, request: Request, user_id: UUID) -> Response:
        room, created = rooms.get_or_create_direct(session=self.session, user_id=user_id)
        return Response(room, 201 if created else 200)


class JoinView(SessionView):
    @endpoint(JOIN_ROOM)
    def post(self, request: Request, room_id: UUID) -> Response:
        return Response(rooms.join_room(session=self.session, room_id=room_id))


class LeaveView(SessionView):
    @endpoint(LEAVE_ROOM)
    def post(self, request: Request, room_id: UUID) -> Response:
        members.leave_room(session=self.session, room_id=room_id)
        return Response(status=204)
