"""The REST face of members."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.members import LIST_MEMBERS, PUT_MEMBER, REMOVE_MEMBER
from api.services import members
from wire.views import endpoint

STATUSES = {members.Outcome.ADDED: 201, members.Outcome.MEMBER: 200, members.Outcome.INVITED: 202}


class MembersView(SessionView):
    @endpoint(LIST_MEMBERS)
    def get(self, request: Request, room_id: UUID, **query: Any) -> Response:
        return Response(members.list_members(user_id=self.session.user.id, room_id=room_id, **query))


class MemberView(SessionView):
    @endpoint(PUT_MEMBER)
    def put(self, request: Request, room_id: UUID, user_id: UUID, **body: Any) -> Response:
        answer, outcome = members.add_or_change_member(session=self.session, room_id=room_id, user_id=user_id, **body)
        return Response(answer, STATUSES[outcome])

    @endpoint(REMOVE_MEMBER)
    def delete(self, request: Request, room_id: UUID, user_id: UUID) -> Response:
        members.remove_member(session=self.session, room_id=room_id, user_id=user_id)
        return Response(status=204)
