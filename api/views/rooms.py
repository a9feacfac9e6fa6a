"""The REST face of rooms."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.serializers.rooms import CreateRoom, DirectoryQuery, RoomSerializer, UpdateRoom
from api.services import members, rooms
from wire.fields import EmptySerializer, QuerySerializer
from wire.pagination import PageQuery
from wire.schema import page_of, problems

_WRITE = ("not_found", "room.not_member", "room.archived", "room.direct", "room.role_required")


class RoomsView(SessionView):
    heavy = ("GET",)
    queries: ClassVar[dict[str, type[QuerySerializer]]] = {"GET": PageQuery}

    @extend_schema(
        operation_id="list_rooms",
        summary="My rooms, the newest activity first",
        description="A page ends at 1 MiB, and `next` says so.",
        parameters=[PageQuery],
        responses={200: page_of(RoomSerializer), **problems()},
    )
    def get(self, request: Request) -> Response:
        return Response(rooms.list_rooms(user_id=self.session.user.id, **self.query))

    @extend_schema(
        operation_id="create_room",
        summary="Make a room; 200 when this client_id made it before",
        request=CreateRoom,
        responses={
            201: RoomSerializer,
            200: RoomSerializer,
            **problems("room.client_id_reused", "room.slug_taken", "room.limit", "not_found", body=True),
        },
    )
    def post(self, request: Request) -> Response:
        room, created = rooms.create_room(session=self.session, **self.body(CreateRoom))
        return Response(room, 201 if created else 200)


class DirectoryView(SessionView):
    heavy = ("GET",)
    queries: ClassVar[dict[str, type[QuerySerializer]]] = {"GET": DirectoryQuery}

    @extend_schema(
        operation_id="list_directory",
        summary="The public rooms, by name",
        description="A page ends at 1 MiB, and `next` says so.",
        parameters=[DirectoryQuery],
        responses={200: page_of(RoomSerializer), **problems()},
    )
    def get(self, request: Request) -> Response:
        return Response(rooms.list_directory(user_id=self.session.user.id, **self.query))


class RoomView(SessionView):
    @extend_schema(
        operation_id="get_room",
        summary="A room of mine, or a public one",
        responses={200: RoomSerializer, **problems("not_found")},
    )
    def get(self, request: Request, room_id: UUID) -> Response:
        return Response(rooms.get_room(user_id=self.session.user.id, room_id=room_id))

    @extend_schema(
        operation_id="update_room",
        summary="Change name, slug, topic or metadata",
        request=UpdateRoom,
        responses={200: RoomSerializer, **problems(*_WRITE, "room.slug_taken", body=True)},
    )
    def patch(self, request: Request, room_id: UUID) -> Response:
        changes = self.body(UpdateRoom)
        return Response(rooms.update_room(session=self.session, room_id=room_id, changes=changes))

    @extend_schema(
        operation_id="archive_room",
        summary="Make the room read-only for ever",
        responses={204: None, **problems(*_WRITE)},
    )
    def delete(self, request: Request, room_id: UUID) -> Response:
        rooms.archive_room(session=self.session, room_id=room_id)
        return Response(status=204)


class DirectRoomView(SessionView):
    @extend_schema(
        operation_id="get_or_create_direct_room",
        summary="The room that I share with one other user; made when there is none",
        request=None,
        responses={201: RoomSerializer, 200: RoomSerializer, **problems("not_found", "room.limit", body=True)},
    )
    def put(self, request: Request, user_id: UUID) -> Response:
        self.body(EmptySerializer)
        room, created = rooms.get_or_create_direct(session=self.session, user_id=user_id)
        return Response(room, 201 if created else 200)


class JoinView(SessionView):
    @extend_schema(
        operation_id="join_room",
        summary="Enter a public room; nothing happens when I am in",
        request=None,
        responses={200: RoomSerializer, **problems("not_found", "room.archived", "room.limit", body=True)},
    )
    def post(self, request: Request, room_id: UUID) -> Response:
        self.body(EmptySerializer)
        return Response(members.join_room(session=self.session, room_id=room_id))


class LeaveView(SessionView):
    @extend_schema(
        operation_id="leave_room",
        summary="Leave a room; the last one in it archives it",
        request=None,
        responses={
            204: None,
            **problems("not_found", "room.not_member", "room.archived", "room.direct", "room.last_owner", body=True),
        },
    )
    def post(self, request: Request, room_id: UUID) -> Response:
        self.body(EmptySerializer)
        members.leave_room(session=self.session, room_id=room_id)
        return Response(status=204)
