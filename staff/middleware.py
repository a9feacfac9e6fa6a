"""The middlewares of the admin site, which run for its paths only."""

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from wire.middleware import GetResponse, Middleware

# The pages of the admin have neither inline scripts nor inline styles.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


class StaffMiddleware(Middleware):
    """Gives requests of the admin site a session, a user and messages; all others pass it untouched.

    The admin's own views check the CSRF token.
    """

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        inner = AuthenticationMiddleware(MessageMiddleware(get_response))
        self.admin = SessionMiddleware(inner)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(f"/{settings.ADMIN_PATH}"):
            return self.get_response(request)
        request.get_host()  # raises DisallowedHost
        response = self.admin(request)
        assert isinstance(response, HttpResponseBase)  # the chain is synchronous
        if response.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
