"""The paths of accounts under /v1/."""

from django.urls import path

from accounts import views
from wire import converters  # noqa: F401  (registers <id:...>)

urlpatterns = [
    path("auth/register", views.RegisterView.as_view()),
    path("auth/login", views.LoginView.as_view()),
    path("auth/exchange", views.ExchangeView.as_view()),
    path("auth/logout", views.LogoutView.as_view()),
    path("auth/logout-all", views.LogoutAllView.as_view()),
    path("auth/sessions", views.SessionsView.as_view()),
    path("auth/sessions/<id:session_id>", views.OneSessionView.as_view()),
    path("auth/password", views.PasswordView.as_view()),
    path("auth/password-reset", views.PasswordResetView.as_view()),
    path("auth/password-reset/confirm", views.ConfirmPasswordResetView.as_view()),
    path("auth/verify-email", views.VerifyEmailView.as_view()),
    path("auth/verify-email/send", views.SendVerificationView.as_view()),
    path("users/<id:user_id>", views.UserView.as_view()),
]
