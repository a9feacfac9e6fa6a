"""The REST face of bans and mutes."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.sanctions import DELETE_BAN, DELETE_MUTE, LIST_BANS, LIST_MUTES, PUT_BAN, PUT_MUTE
from api.services import members
from wire.views import endpoint


class BansView(SessionView):
    @endpoint(LIST_BANS)
    def get(self, request: Request, room_id: UUID, **query: Any) -> Response:
        return Response(members.list_bans(user_id=self.session.user_id, room_id=room_id, **query))


class BanView(SessionView):
    @endpoint(PUT_BAN)
    def put(self, request: Request, room_id: UUID, user_id: UUID, **body: Any) -> Response:
        return Response(members.put_ban(session=self.session, room_id=room_id, user_id=user_id, **body))

    @endpoint(DELETE_BAN)
    def delete(self, request: Request, room_id: UUID, user_id: UUID) -> Response:
        members.end_ban(session=self.session, room_id=room_id, user_id=user_id)
        return Response(status=204)


class MutesView(SessionView):
    @endpoint(LIST_MUTES)
    def get(self, request: Request, room_id: UUID, **query: Any) -> Response:
        return Response(members.list_mutes(user_id=self.session.user_id, room_id=room_id, **query))


class MuteView(SessionView):
    @endpoint(PUT_MUTE)
    def put(self, request: Request, room_id: UUID, user_id: UUID, **body: Any) -> Response:
        return Response(members.put_mute(session=self.session, room_id=room_id, user_id=user_id, **body))

    @endpoint(DELETE_MUTE)
    def delete(self, request: Request, room_id: UUID, user_id: UUID) -> Response:
        members.end_mute(session=self.session, room_id=room_id, user_id=user_id)
        return Response(status=204)
