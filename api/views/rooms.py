"""The REST face of rooms."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.serializers.rooms import (
    CreateRoom,
    DirectoryQuery,
    RoomMeSerializer,
    RoomSerializer,
    RoomsQuery,
    UpdateRoom,
    UpdateRoomMe,
)
from api.services import members, rooms
from wire.fields import EmptySerializer, QuerySerializer
from wire.schema import page_of, problems

_WRITE = ("not_found", "room.not_member", "room.archived", "room.direct", "room.role_required")


class RoomsView(SessionView):
    queries: ClassVar[dict[str, type[QuerySerializer]]] = {"GET": RoomsQuery}

    @extend_schema(
        operation_id="list_rooms",
        summary="My rooms, the newest message first",
        description=(
            "By last_message_at, and by created_at before the first message. A room that moves up while you page comes "
            "(again) on the last page: none is missed, and some come twice. Take rooms by id. Neither the archived nor "
            "the hidden rooms, unless a parameter asks for them. A page ends at 1 MiB, and `next` says so."
        ),
        parameters=[RoomsQuery],
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
            **problems(
                "room.client_id_reused", "room.slug_taken", "room.limit", "limit.invite", "not_found", body=True
            ),
        },
    )
    def post(self, request: Request) -> Response:
        room, created = rooms.create_room(session=self.session, **self.body(CreateRoom))
        return Response(room, 201 if created else 200)


class DirectoryView(SessionView):
    queries: ClassVar[dict[str, type[QuerySerializer]]] = {"GET": DirectoryQuery}

    @extend_schema(
        operation_id="list_directory",
        summary="The public rooms, by name",
        description=(
            "A room that is renamed while you page comes (again) on the last page. Take rooms by id. A page ends at "
            "1 MiB, and `next` says so."
        ),
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
        summary="Make the room read-only; an owner can undo it",
        responses={204: None, **problems(*_WRITE)},
    )
    def delete(self, request: Request, room_id: UUID) -> Response:
        rooms.archive_room(session=self.session, room_id=room_id)
        return Response(status=204)


class RoomMeView(SessionView):
    @extend_schema(
        operation_id="update_room_me",
        summary="Change what the room is to me",
        description="hidden: it is in no list until a message comes that is newer than now. Sync and events go on.",
        request=UpdateRoomMe,
        responses={200: RoomMeSerializer, **problems("not_found", "room.not_member", body=True)},
    )
    def patch(self, request: Request, room_id: UUID) -> Response:
        changes = self.body(UpdateRoomMe)
        return Response(rooms.update_room_me(session=self.session, room_id=room_id, **changes))


class UnarchiveView(SessionView):
    @extend_schema(
        operation_id="unarchive_room",
        summary="Open an archived room again, with its slug if no other room has it",
        description="An owner may. A room that is not archived stays as it is.",
        request=None,
        responses={
            200: RoomSerializer,
            **problems("not_found", "room.not_member", "room.direct", "room.role_required", body=True),
        },
    )
    def post(self, request: Request, room_id: UUID) -> Response:
        self.body(EmptySerializer)
        return Response(rooms.unarchive_room(session=self.session, room_id=room_id))


class DirectRoomView(SessionView):
    @extend_schema(
        operation_id="get_or_create_direct_room",
        summary="The room that I share with one other user; made when there is none",
        request=None,
        responses={
            201: RoomSerializer,
            200: RoomSerializer,
            **problems("not_found", "room.limit", "limit.invite", body=True),
        },
    )
    def put(self, request: Request, user_id: UUID) -> Response:
        self.body(EmptySerializer)
        room, created = rooms.get_or_create_direct(session=self.session, user_id=user_id)
        return Response(room, 201 if created else 200)


class JoinView(SessionView):
    @extend_schema(
        operation_id="join_room",
        summary="Enter a public room, or accept one into which somebody put me",
        request=None,
        responses={200: RoomSerializer, **problems("not_found", "room.archived", "room.limit", body=True)},
    )
    def post(self, request: Request, room_id: UUID) -> Response:
        self.body(EmptySerializer)
        return Response(rooms.join_room(session=self.session, room_id=room_id))


class LeaveView(SessionView):
    @extend_schema(
        operation_id="leave_room",
        summary="Leave a room, archived or not; when the last member leaves, it is archived",
        request=None,
        responses={
            204: None,
            **problems("not_found", "room.not_member", "room.direct", "room.last_owner", body=True),
        },
    )
    def post(self, request: Request, room_id: UUID) -> Response:
        self.body(EmptySerializer)
        members.leave_room(session=self.session, room_id=room_id)
        return Response(status=204)
