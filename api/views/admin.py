"""The endpoints of an app's backend, with a server key: its users, their sessions, rooms, and the keys."""

from functools import partial
from typing import Any
from uuid import UUID

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import external, keys
from accounts.authentication import KeyAuthentication
from accounts.models import ServerKey, User
from accounts.operations import (
    DELETE_ADMIN_USER,
    END_USER_SESSIONS,
    GET_ADMIN_USER,
    OPEN_USER_SESSION,
    PUT_ADMIN_USER,
    REVOKE_KEY,
)
from accounts.serializers import AdminUserSerializer
from accounts.views import answer_login
from api.operations.admin import CREATE_ADMIN_ROOM, PUT_ADMIN_MEMBER, REMOVE_ADMIN_MEMBER
from api.services import members, rooms
from wire.problems import invalid
from wire.views import ApiView, endpoint


class HasKey(BasePermission):
    """Permits the requests that KeyAuthentication has accepted."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.auth is not None


class AdminView(ApiView):
    """A view that requires a server key of scope admin, `self.key`."""

    authentication_classes = (KeyAuthentication,)
    permission_classes = (HasKey,)

    @property
    def key(self) -> ServerKey:
        key = self.request.auth
        assert isinstance(key, ServerKey)
        return key


class AdminUserView(AdminView):
    @endpoint(GET_ADMIN_USER)
    def get(self, request: Request, external_id: str) -> Response:
        return Response(AdminUserSerializer(external.find_user(external_id)).data)

    @endpoint(PUT_ADMIN_USER)
    def put(self, request: Request, external_id: str, **changes: Any) -> Response:
        user, is_new = external.put_user(key=self.key, external_id=external_id, changes=changes)
        return Response(AdminUserSerializer(user).data, 201 if is_new else 200)

    @endpoint(DELETE_ADMIN_USER)
    def delete(self, request: Request, external_id: str) -> Response:
        external.erase_user(key=self.key, external_id=external_id)
        return Response(status=204)


class AdminSessionsView(AdminView):
    @endpoint(OPEN_USER_SESSION)
    def post(self, request: Request, external_id: str, **body: Any) -> Response:
        return answer_login(external.open_session(key=self.key, external_id=external_id, **body), 201)

    @endpoint(END_USER_SESSIONS)
    def delete(self, request: Request, external_id: str) -> Response:
        external.end_sessions(key=self.key, external_id=external_id)
        return Response(status=204)


class AdminRoomsView(AdminView):
    @endpoint(CREATE_ADMIN_ROOM)
    def post(self, request: Request, owner: UUID, **body: Any) -> Response:
        user = User.objects.filter(pk=owner, deleted_at=None).first()
        if user is None:
            raise invalid("owner", "unknown_user", "There is no such user.")
        confirm = partial(keys.require_key, self.key)
        room_id, is_new = rooms.create_room_of(owner=user, body=body, actor=str(self.key.pk), confirm=confirm)
        return Response(rooms.get_room(user_id=owner, room_id=room_id), 201 if is_new else 200)


class AdminMemberView(AdminView):
    @endpoint(PUT_ADMIN_MEMBER)
    def put(self, request: Request, room_id: UUID, user_id: UUID, role: str | None = None) -> Response:
        member, is_new = members.put_member_for(key=self.key, room_id=room_id, user_id=user_id, role=role)
        return Response(member, 201 if is_new else 200)

    @endpoint(REMOVE_ADMIN_MEMBER)
    def delete(self, request: Request, room_id: UUID, user_id: UUID) -> Response:
        members.remove_member_for(key=self.key, room_id=room_id, user_id=user_id)
        return Response(status=204)


class AdminKeyView(AdminView):
    @endpoint(REVOKE_KEY)
    def delete(self, request: Request, key_id: UUID) -> Response:
        keys.revoke_key(key_id=key_id, actor=str(self.key.pk))
        return Response(status=204)
