"""An app's backend, as the tests play it: a server key, and JWTs that it signs."""

from __future__ import annotations

import time
from typing import Any

import jwt

from accounts import keys
from accounts.models import KeyScope, ServerKey, Session
from tests.clients import Person

SECRET = "a secret of the tests that has more than 32 bytes"


class Backend(Person):
    """A REST client with a server key."""

    def __init__(self, scope: KeyScope = KeyScope.ADMIN, **options: Any) -> None:
        made = keys.create_key(name=options.pop("name", f"the {scope} key"), scope=scope, **options)
        super().__init__(made.token)
        self.key: ServerKey = made.key

    def acting_as(self, user: object) -> Acting:
        """A client of this key that acts as a user, by id or `external:` and an external id."""
        return Acting(self.token, str(user))

    def open_session(self, external_id: str, **body: Any) -> Person:
        """A device of a user, with a session that the backend opened."""
        answer = self.post(f"/v1/admin/users/{external_id}/sessions", body)
        assert answer.status_code == 201, answer.json()
        return person_of(answer)


class Acting(Person):
    """A REST client that sends Parley-Act-As."""

    def __init__(self, token: str, user: str) -> None:
        super().__init__(token)
        self._named = user

    def request(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        headers = {"Parley-Act-As": self._named, **options.pop("headers", {})}
        return super().request(method, path, body, headers=headers, **options)


def person_of(answer: Any) -> Person:
    """The client of a session that an answer has."""
    login = answer.json()
    return Person(login["token"], Session.objects.select_related("user").get(pk=login["session"]["id"]))


def claims(external_id: str = "42", **changes: Any) -> dict[str, Any]:
    """The claims of a JWT that is valid for an hour; a change to None leaves a claim out."""
    now = int(time.time())
    made = {"sub": external_id, "iat": now - 1, "exp": now + 3_600, "aud": "parley", **changes}
    return {name: value for name, value in made.items() if value is not None}


def sign(payload: dict[str, Any], key: Any = SECRET, algorithm: str = "HS256", **header: Any) -> str:
    """A JWT of these claims."""
    return jwt.encode(payload, key, algorithm, headers=header or None)
