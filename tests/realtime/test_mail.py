"""Outgoing mail of a real server process, from its environment to a real SMTP server."""

import httpx

from tests.clients import PASSWORD
from tests.mailbox import Mailbox
from tests.servers import ParleyServer
from tests.services import wait_until


def test_a_forgotten_password_is_reset_by_mail_while_the_mail_server_is_away_at_first() -> None:
    mailbox = Mailbox()
    env = {"EMAIL_URL": mailbox.url, "EMAIL_FROM": "no-reply@example.com", "PUBLIC_URL": "http://chat.example.com/"}
    with ParleyServer(env=env) as server, httpx.Client(base_url=server.url) as client:
        registration = {"username": "dora", "password": PASSWORD, "email": "dora@example.com"}
        token = client.post("/v1/auth/register", json=registration).json()["token"]
        wait_until(lambda: "is tried again" in server.logs, seconds=60, what="no attempt")
        mailbox.start()
        try:
            wait_until(lambda: len(mailbox.received) == 1, seconds=60, what="no verification")
            assert client.post("/v1/auth/verify-email", json={"token": mailbox.token}).status_code == 204
            client.post("/v1/auth/password-reset", json={"email": "dora@example.com"}, headers={"Host": "localhost"})
            wait_until(lambda: len(mailbox.received) == 2, seconds=60, what="no reset")
        finally:
            mailbox.stop()
        assert mailbox.links[-1].startswith("http://chat.example.com/reset-password#token=")
        new = {"token": mailbox.token, "password": "a new and better phrase"}
        assert client.post("/v1/auth/password-reset/confirm", json=new).status_code == 204
        assert client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
        login = {"username": "dora", "password": "a new and better phrase"}
        assert client.post("/v1/auth/login", json=login).status_code == 200
        assert client.get("/reset-password").status_code == 200
        assert "dora@example.com" not in server.logs
