"""A client of the API inside the tests' process: a person with a token, one request at a time."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from accounts import services
from accounts.models import Session, User
from tests.recording import record

PASSWORD = "correct horse battery"


class Person:
    """A REST client of one session. A stranger has no token, and neither `user` nor `session`."""

    def __init__(self, token: str = "", session: Session | None = None) -> None:
        self.token = token
        self._session = session
        self._client = Client(raise_request_exception=False)

    @property
    def user(self) -> User:
        return self.session.user

    @property
    def session(self) -> Session:
        assert self._session is not None, "A stranger has no session."
        return self._session

    def get(self, path: str, **query: Any) -> Any:
        return self.request("GET", path, query=query)

    def post(self, path: str, body: object = None) -> Any:
        return self.request("POST", path, body)

    def put(self, path: str, body: object = None) -> Any:
        return self.request("PUT", path, body)

    def patch(self, path: str, body: object = None) -> Any:
        return self.request("PATCH", path, body)

    def delete(self, path: str, body: object = None) -> Any:
        return self.request("DELETE", path, body)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """Send `body` as JSON, or as it is when it is bytes; the response is Django's."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        response = self._client.generic(
            method,
            path,
            b"" if body is None else body if isinstance(body, bytes) else json.dumps(body, default=str).encode(),
            content_type=content_type,
            query_params=query or None,
            headers={**sent, **(headers or {})},
        )
        record("received", "rest", recorded(method, path, response))
        return response

    def another_device(self) -> Person:
        """The same user on a second device."""
        login = services.log_in(username=self.user.username, password=PASSWORD)
        return Person(login.token, login.session)


def recorded(method: str, path: str, response: Any) -> dict[str, Any]:
    """Returns a response of Django in the form in which it is recorded."""
    return {
        "method": method,
        "path": path.partition("?")[0],
        "status": response.status_code,
        "content_type": response.get("Content-Type"),
        "body": response.json() if response.content else None,
    }


def join_parley(username: str, display_name: str = "") -> Person:
    """Register a user with the tests' password."""
    login = services.register(username=username, password=PASSWORD, display_name=display_name)
    return Person(login.token, login.session)


def codes(response: Any) -> dict[str, str]:
    """The invalid fields of a problem with their codes."""
    return {error["field"]: error["code"] for error in response.json()["errors"]}
