"""The REST face of invitations and links."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
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
from api.services import members, rooms
from wire.views import endpoint


class InvitesView(SessionView):
    @endpoint(LIST_INVITES)
    def get(self, request: Request, room_id: UUID, **query: Any) -> Response:
        return Response(members.list_invites(user_id=self.session.user_id, room_id=room_id, **query))


class InviteView(SessionView):
    @endpoint(PUT_INVITE)
    def put(self, request: Request, room_id: UUID, user_id: UUID) -> Response:
        return Response(members.put_invite(session=self.session, room_id=room_id, user_id=user_id))

    @endpoint(DELETE_INVITE)
    def delete(self, request: Request, room_id: UUID, user_id: UUID) -> Response:
        members.withdraw_invite(session=self.session, room_id=room_id, user_id=user_id)
        return Response(status=204)


class MyInvitesView(SessionView):
    @endpoint(LIST_MY_INVITES)
    def get(self, request: Request, **query: Any) -> Response:
        return Response(rooms.list_my_invites(user_id=self.session.user_id, **query))


class DeclineView(SessionView):
    @endpoint(DECLINE_INVITE)
    def post(self, request: Request, room_id: UUID) -> Response:
        members.decline_invite(session=self.session, room_id=room_id)
        return Response(status=204)


class RoomLinksView(SessionView):
    @endpoint(LIST_LINKS)
    def get(self, request: Request, room_id: UUID, **query: Any) -> Response:
        return Response(rooms.list_links(user_id=self.session.user_id, room_id=room_id, **query))

    @endpoint(CREATE_LINK)
    def post(self, request: Request, room_id: UUID, **body: Any) -> Response:
        return Response(rooms.create_link(session=self.session, room_id=room_id, **body), 201)


class RoomLinkView(SessionView):
    @endpoint(GET_ROOM_LINK)
    def get(self, request: Request, room_id: UUID, link_id: UUID) -> Response:
        return Response(rooms.get_room_link(user_id=self.session.user_id, room_id=room_id, link_id=link_id))

    @endpoint(DELETE_LINK)
    def delete(self, request: Request, room_id: UUID, link_id: UUID) -> Response:
        rooms.delete_link(session=self.session, room_id=room_id, link_id=link_id)
        return Response(status=204)


class LinkView(SessionView):
    @endpoint(GET_LINK)
    def get(self, request: Request, code: str) -> Response:
        return Response(rooms.get_link(code=code))


class JoinByLinkView(SessionView):
    @endpoint(JOIN_BY_LINK)
    def post(self, request: Request, code: str) -> Response:
        return Response(rooms.join_by_link(session=self.session, code=code))
