"""A Django backend: it opens a session of Parley for its own user. `python with_django.py runserver 8001`"""

import json
import os
import urllib.request
from urllib.parse import quote

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(SECRET_KEY="only-on-a-desk", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"])


def call_parley(method: str, path: str, body: object) -> bytes:
    url = f"{os.environ['PARLEY']}/v1/admin/users/{path}"
    headers = {"Authorization": f"Bearer {os.environ['PARLEY_KEY']}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: bytes = response.read()
    return answer


def chat_session(request: HttpRequest) -> HttpResponse:
    name = request.headers["X-User"]  # your own log-in instead: request.user.pk and request.user.get_full_name()
    user = quote(name, safe="")
    call_parley("PUT", user, {"display_name": name})
    login = call_parley("POST", f"{user}/sessions", {"device": {"platform": "web"}, "expires_in": 3600})
    return HttpResponse(login, content_type="application/json")


urlpatterns = [path("chat-session", chat_session)]

if __name__ == "__main__":
    execute_from_command_line()
