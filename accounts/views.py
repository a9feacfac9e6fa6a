"""The REST views of accounts."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import serializers, services
from accounts.models import Session, User
from accounts.serializers import LoginSerializer, SessionSerializer, UserSerializer
from wire.client_address import client_address
from wire.fields import EmptySerializer, QuerySerializer
from wire.pagination import PageQuery, paginate
from wire.schema import page_of, problems
from wire.views import ApiView


class SessionView(ApiView):
    """A view that requires a token; `self.session` is its session."""

    @property
    def session(self) -> Session:
        session = self.request.auth
        assert isinstance(session, Session)
        return session


def answer_login(login: services.Login, status: int) -> Response:
    """Return the response with the token, its session and its user."""
    data = {"token": login.token, "session": login.session, "user": login.session.user}
    return Response(LoginSerializer(data, context={"session": login.session}).data, status)


def answer_ended(ended: services.EndedSessions) -> Response:
    """Return 204, with the header Parley-Revocation while the end of the sessions is only in memory."""
    return Response(status=204, headers=None if ended.is_stored else {"Parley-Revocation": "in-memory"})


class RegisterView(ApiView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="register",
        summary="Make an account and log in",
        request=serializers.RegisterBody,
        responses={201: LoginSerializer, **problems("auth.username_taken", body=True, token=False)},
    )
    def post(self, request: Request) -> Response:
        return answer_login(
            services.register(**self.body(serializers.RegisterBody), address=client_address(request)), 201
        )


class LoginView(ApiView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="log_in",
        summary="Open a session for a device",
        request=serializers.LoginBody,
        responses={
            200: LoginSerializer,
            **problems("auth.bad_credentials", "auth.account_disabled", "limit.login", body=True, token=False),
        },
    )
    def post(self, request: Request) -> Response:
        return answer_login(services.log_in(**self.body(serializers.LoginBody), address=client_address(request)), 200)


class LogoutView(SessionView):
    @extend_schema(
        operation_id="log_out",
        summary="End this session",
        request=None,
        responses={204: None, **problems(body=True)},
    )
    def post(self, request: Request) -> Response:
        self.body(EmptySerializer)
        return answer_ended(services.log_out(session=self.session))


class LogoutAllView(SessionView):
    @extend_schema(
        operation_id="log_out_all",
        summary="End all my sessions",
        request=None,
        responses={204: None, **problems(body=True)},
    )
    def post(self, request: Request) -> Response:
        self.body(EmptySerializer)
        return answer_ended(services.log_out_all(user=self.session.user))


class SessionsView(SessionView):
    queries: ClassVar[dict[str, type[QuerySerializer]]] = {"GET": PageQuery}

    @extend_schema(
        operation_id="list_sessions",
        summary="My devices, the newest first",
        parameters=[PageQuery],
        responses={200: page_of(SessionSerializer), **problems()},
    )
    def get(self, request: Request) -> Response:
        page = paginate(self.session.user.sessions.live(), order=["-created_at", "-id"], **self.query)
        context = {"session": self.session}
        return Response(page.as_dict(lambda rows: SessionSerializer(rows, many=True, context=context).data))


class OneSessionView(SessionView):
    @extend_schema(
        operation_id="end_session",
        summary="End one of my sessions",
        responses={204: None, **problems("not_found")},
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        return answer_ended(services.end_session(user=self.session.user, session_id=session_id))


class PasswordView(SessionView):
    @extend_schema(
        operation_id="change_password",
        summary="Change my password and end all my other sessions",
        request=serializers.PasswordBody,
        responses={204: None, **problems("auth.wrong_password", "limit.login", body=True)},
    )
    def post(self, request: Request) -> Response:
        services.change_password(session=self.session, **self.body(serializers.PasswordBody))
        return Response(status=204)


class UserView(SessionView):
    @extend_schema(
        operation_id="get_user",
        summary="One user; a deleted one answers as a tombstone",
        responses={200: UserSerializer, **problems("not_found")},
    )
    def get(self, request: Request, user_id: UUID) -> Response:
        return Response(UserSerializer(get_object_or_404(User, pk=user_id)).data)
