"""The REST face of members."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.serializers.members import MemberSerializer, PutMember
from api.services import members
from wire.fields import QuerySerializer
from wire.pagination import PageQuery
from wire.schema import page_of, problems

_WRITE = (
    "not_found",
    "room.not_member",
    "room.archived",
    "room.direct",
    "room.role_required",
    "room.last_owner",
)


class MembersView(SessionView):
    queries: ClassVar[dict[str, type[QuerySerializer]]] = {"GET": PageQuery}

    @extend_schema(
        operation_id="list_members",
        summary="Who is in the room, the longest-standing first",
        parameters=[PageQuery],
        responses={200: page_of(MemberSerializer), **problems("not_found", "room.not_member")},
    )
    def get(self, request: Request, room_id: UUID) -> Response:
        return Response(members.list_members(user_id=self.session.user.id, room_id=room_id, **self.query))


class MemberView(SessionView):
    @extend_schema(
        operation_id="put_member",
        summary="Add a member, or change a member's role",
        request=PutMember,
        responses={
            201: MemberSerializer,
            200: MemberSerializer,
            **problems(*_WRITE, "room.limit", "limit.invite", body=True),
        },
    )
    def put(self, request: Request, room_id: UUID, user_id: UUID) -> Response:
        member, created = members.add_or_change_member(
            session=self.session, room_id=room_id, user_id=user_id, **self.body(PutMember)
        )
        return Response(member, 201 if created else 200)

    @extend_schema(
        operation_id="remove_member",
        summary="Remove a member; of myself, leave",
        responses={204: None, **problems(*_WRITE)},
    )
    def delete(self, request: Request, room_id: UUID, user_id: UUID) -> Response:
        members.remove_member(session=self.session, room_id=room_id, user_id=user_id)
        return Response(status=204)
