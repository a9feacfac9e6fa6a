"""The REST face of accounts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.shortcuts import get_object_or_404
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.models import Session, User, UserQuerySet
from accounts.operations import (
    CHANGE_PASSWORD,
    DELETE_ME,
    DELETE_ME_BY_POST,
    END_SESSION,
    GET_USER,
    LIST_SESSIONS,
    LOG_IN,
    LOG_OUT,
    LOG_OUT_ALL,
    REGISTER,
    SEARCH_USERS,
)
from accounts.serializers import LoginSerializer, SessionSerializer, UserSerializer
from wire.client_address import client_address
from wire.pagination import paginate
from wire.views import ApiView, endpoint


class SessionView(ApiView):
    """A view whose caller is known: `self.session` is the device that sent the request."""

    @property
    def session(self) -> Session:
        session = self.request.auth
        assert isinstance(session, Session)
        return session


def answer_login(login: services.Login, status: int) -> Response:
    """The token, with whom and which device it stands for."""
    data = {"token": login.token, "session": login.session, "user": login.session.user}
    return Response(LoginSerializer(data, context={"session": login.session}).data, status)


def answer_ended(ended: services.Ended) -> Response:
    """204. While the database cannot be written, a header says that the end is kept in memory alone."""
    return Response(status=204, headers=None if ended.is_stored else {"Parley-Revocation": "in-memory"})


class RegisterView(ApiView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @endpoint(REGISTER)
    def post(self, request: Request, **body: Any) -> Response:
        return answer_login(services.register(**body, address=client_address(request)), 201)


class LoginView(ApiView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @endpoint(LOG_IN)
    def post(self, request: Request, **body: Any) -> Response:
        return answer_login(services.log_in(**body, address=client_address(request)), 200)


class LogoutView(SessionView):
    @endpoint(LOG_OUT)
    def post(self, request: Request) -> Response:
        return answer_ended(services.log_out(session=self.session))


class LogoutAllView(SessionView):
    @endpoint(LOG_OUT_ALL)
    def post(self, request: Request) -> Response:
        return answer_ended(services.log_out_all(user=self.session.user))


class SessionsView(SessionView):
    @endpoint(LIST_SESSIONS)
    def get(self, request: Request, **query: Any) -> Response:
        page = paginate(self.session.user.sessions.live(), order=["-created_at", "-id"], **query)
        context = {"session": self.session}
        return Response(page.as_dict(lambda rows: SessionSerializer(rows, many=True, context=context).data))


class OneSessionView(SessionView):
    @endpoint(END_SESSION)
    def delete(self, request: Request, session_id: UUID) -> Response:
        return answer_ended(services.end_session(user=self.session.user, session_id=session_id))


class PasswordView(SessionView):
    @endpoint(CHANGE_PASSWORD)
    def post(self, request: Request, **body: Any) -> Response:
        services.change_password(session=self.session, **body)
        return Response(status=204)


class MeView(SessionView):
    """Deletes the account of the request. The chat extends this view: it reads and updates the profile."""

    @endpoint(DELETE_ME)
    def delete(self, request: Request, password: str) -> Response:
        services.delete_account(session=self.session, password=password)
        return Response(status=204)


class DeleteMeView(SessionView):
    """The same as DELETE me, for clients and proxies that drop the body of a DELETE."""

    @endpoint(DELETE_ME_BY_POST)
    def post(self, request: Request, password: str) -> Response:
        services.delete_account(session=self.session, password=password)
        return Response(status=204)


class UsersView(SessionView):
    """The search. The chat extends this view: it knows whom a user shares a room with."""

    def searchable(self) -> UserQuerySet:
        """The users among whom the search looks."""
        return User.objects.all()

    @endpoint(SEARCH_USERS)
    def get(self, request: Request, q: str, **page_query: Any) -> Response:
        users = self.searchable()
        found = users.named(q) if settings.USER_SEARCH == "exact" else users.matching(q)
        page = paginate(found, order=["username"], **page_query)
        return Response(page.as_dict(lambda rows: UserSerializer(rows, many=True).data))


class UserView(SessionView):
    @endpoint(GET_USER)
    def get(self, request: Request, user_id: UUID) -> Response:
        return Response(UserSerializer(get_object_or_404(User, pk=user_id)).data)
