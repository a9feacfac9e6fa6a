"""The REST views of accounts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import emails, exchange, resets, services
from accounts.authentication import NoKey, bearer_token
from accounts.models import Session, User
from accounts.operations import (
    CHANGE_PASSWORD,
    CONFIRM_PASSWORD_RESET,
    END_SESSION,
    EXCHANGE,
    GET_USER,
    LIST_SESSIONS,
    LOG_IN,
    LOG_OUT,
    LOG_OUT_ALL,
    REGISTER,
    REQUEST_PASSWORD_RESET,
    SEND_VERIFICATION,
    VERIFY_EMAIL,
)
from accounts.serializers import LoginSerializer, SessionSerializer, UserSerializer
from wire.client_address import client_address
from wire.pagination import paginate
from wire.views import ApiView, endpoint


class SessionView(ApiView):
    """A view that requires a token; `self.session` is its session."""

    @property
    def session(self) -> Session:
        session = self.request.auth
        assert isinstance(session, Session)
        return session


class PublicView(ApiView):
    """A view that needs no token, and looks none up."""

    authentication_classes = ()
    permission_classes = (AllowAny, NoKey)


def answer_login(login: services.Login, status: int) -> Response:
    """Return the response with the token, its session and its user."""
    data = {"token": login.token, "session": login.session, "user": login.session.user}
    return Response(LoginSerializer(data, context={"session": login.session}).data, status)


def answer_ended(ended: services.EndedSessions) -> Response:
    """Return 204, with the header Parley-Revocation while the end of the sessions is only in memory."""
    return Response(status=204, headers=None if ended.is_stored else {"Parley-Revocation": "in-memory"})


class RegisterView(PublicView):
    @endpoint(REGISTER)
    def post(self, request: Request, **body: Any) -> Response:
        return answer_login(services.register(**body, address=client_address(request)), 201)


class LoginView(PublicView):
    @endpoint(LOG_IN)
    def post(self, request: Request, **body: Any) -> Response:
        return answer_login(services.log_in(**body, address=client_address(request)), 200)


class ExchangeView(ApiView):
    permission_classes = (AllowAny,)

    @endpoint(EXCHANGE)
    def post(self, request: Request, token: str, device: dict[str, str] | None = None) -> Response:
        claims = exchange.verify(token)
        if not isinstance(request.auth, Session):
            return answer_login(exchange.exchange(claims=claims, device=device), 200)
        session = exchange.extend(session=request.auth, claims=claims)
        return answer_login(services.Login(bearer_token(request) or "", session), 200)


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
        page = paginate(self.session.user.sessions.of_devices().live(), order=["-created_at", "-id"], **query)
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


class PasswordResetView(PublicView):
    @endpoint(REQUEST_PASSWORD_RESET)
    def post(self, request: Request, email: str) -> Response:
        resets.request_reset(email=email, address=client_address(request))
        return Response(status=204)


class ConfirmPasswordResetView(PublicView):
    @endpoint(CONFIRM_PASSWORD_RESET)
    def post(self, request: Request, token: str, password: str) -> Response:
        resets.reset_password(token=token, password=password)
        return Response(status=204)


class VerifyEmailView(PublicView):
    @endpoint(VERIFY_EMAIL)
    def post(self, request: Request, token: str) -> Response:
        emails.verify_email(token=token)
        return Response(status=204)


class SendVerificationView(SessionView):
    @endpoint(SEND_VERIFICATION)
    def post(self, request: Request) -> Response:
        emails.send_verification(user=self.session.user)
        return Response(status=204)


class UserView(SessionView):
    @endpoint(GET_USER)
    def get(self, request: Request, user_id: UUID) -> Response:
        return Response(UserSerializer(get_object_or_404(User, pk=user_id)).data)
