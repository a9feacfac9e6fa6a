"""Django's admin at /admin/, in a server process with ADMIN=1: who may enter, what it shows, what its actions do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.clients import PASSWORD
from tests.forked import run_manage
from tests.servers import ROOT, ParleyServer

ENV = {"ADMIN": "1", "PUBLIC_URL": "https://chat.example.com", "HTTPS": "1", "ALLOWED_HOSTS": "chat.example.com"}
# As a proxy that serves TLS sends them.
PROXIED = {"Host": "chat.example.com", "X-Forwarded-Proto": "https", "Origin": "https://chat.example.com"}


@pytest.fixture(scope="module")
def server() -> Iterator[ParleyServer]:
    with ParleyServer(env=ENV) as running:
        yield running


def register(server: ParleyServer, name: str) -> tuple[str, str]:
    """Register a user; returns id and token."""
    body = {"username": name, "password": PASSWORD}
    answer = httpx.post(f"{server.url}/v1/auth/register", json=body, headers=PROXIED, timeout=30).json()
    return answer["user"]["id"], answer["token"]


def manage(server: ParleyServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_manage(*arguments, env=server.environment)


class Browser:
    """A browser behind the proxy, which keeps cookies."""

    def __init__(self, server: ParleyServer) -> None:
        self.url = server.url
        self.cookies: dict[str, str] = {}

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        # The cookies are Secure, and httpx sends them over https only.
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {**PROXIED, "Cookie": cookie, "Referer": "https://chat.example.com/admin/"}
        response = httpx.request(method, f"{self.url}{path}", headers=headers, timeout=30, **options)
        self.cookies.update({cookie.name: cookie.value or "" for cookie in response.cookies.jar})
        return response

    def post(self, path: str, page: str, data: dict[str, Any]) -> httpx.Response:
        """Send a form of this page, with its CSRF token."""
        [token, *_] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', self.request("GET", page).text)
        return self.request("POST", path, data={"csrfmiddlewaretoken": token, **data})

    def log_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        login = "/admin/login/?next=/admin/"
        return self.post(login, login, {"username": name, "password": password})

    def act(self, model: str, action: str, ids: list[str]) -> httpx.Response:
        """Choose objects in a list, and an action."""
        return self.post(f"/admin/{model}/", f"/admin/{model}/", {"action": action, "_selected_action": ids})


@pytest.fixture(scope="module")
def staff(server: ParleyServer) -> Browser:
    people = ("sally", "lena", "mona")
    for name in people:
        register(server, name)
    assert manage(server, "create_staff", *people).returncode == 0
    browser = Browser(server)
    assert browser.log_in("sally").status_code == 302
    return browser


def test_it_works(staff: Browser, server: ParleyServer) -> None:
    _, token = register(server, "dora")

    pages = [staff.request("GET", f"/admin/{path}") for path in ("", "accounts/user/?q=dora", "accounts/session/")]

    assert [page.status_code for page in pages] == [200] * 3
    assert "dora" in pages[1].text
    assert "dora" in pages[2].text
    assert token not in pages[2].text
    for asset in set(re.findall(r'(?:src|href)="(/admin/static/[^"]+)"', pages[1].text)):
        assert staff.request("GET", asset).status_code == 200, asset


def test_the_pages_have_the_security_headers_and_no_inline_script(staff: Browser) -> None:
    page = staff.request("GET", "/admin/accounts/user/")

    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)[^>]*>\s*\S|<style|\son\w+=", page.text)
    assert page.headers["strict-transport-security"]
    assert page.headers["x-frame-options"] == "DENY"
    assert "no-store" in page.headers["cache-control"]


def test_the_cookies_are_secure_and_reach_the_admin_only(staff: Browser, server: ParleyServer) -> None:
    browser = Browser(server)

    response = browser.log_in("sally")

    for cookie in response.headers.get_list("set-cookie"):
        assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/admin"} <= set(cookie.split("; ")), cookie


@pytest.mark.parametrize(("name", "password"), [("sally", "wrong horse"), ("nobody", PASSWORD), ("eve", PASSWORD)])
def test_others_than_staff_are_refused_alike(staff: Browser, server: ParleyServer, name: str, password: str) -> None:
    if name == "eve":
        register(server, "eve")
    browser = Browser(server)

    response = browser.log_in(name, password)

    assert response.status_code == 200
    assert "Please enter the correct username and password" in response.text
    assert browser.request("GET", "/admin/").status_code == 302


def test_a_token_of_the_api_opens_no_page(server: ParleyServer) -> None:
    _, token = register(server, "fred")

    response = httpx.get(f"{server.url}/admin/", headers={**PROXIED, "Authorization": f"Bearer {token}"})

    assert response.status_code == 302


def test_a_session_of_staff_is_no_token_of_the_api(staff: Browser) -> None:
    assert staff.request("GET", "/v1/me").status_code == 401


def test_a_form_of_another_site_is_refused(staff: Browser, server: ParleyServer) -> None:
    user, _ = register(server, "greta")
    form = {"action": "deactivate", "_selected_action": [user]}

    no_token = staff.request("POST", "/admin/accounts/user/", data=form)

    assert (no_token.status_code, no_token.json()["code"]) == (403, "forbidden")
    assert "greta" in staff.request("GET", "/admin/accounts/user/?q=greta&is_active__exact=1").text


def test_an_account_is_deactivated_and_reactivated_by_the_services(staff: Browser, server: ParleyServer) -> None:
    user, token = register(server, "henry")
    headers = {**PROXIED, "Authorization": f"Bearer {token}"}

    staff.act("accounts/user", "deactivate", [user])
    ended = httpx.get(f"{server.url}/v1/me", headers=headers)
    login = {"username": "henry", "password": PASSWORD}
    refused = httpx.post(f"{server.url}/v1/auth/login", json=login, headers=PROXIED, timeout=30)
    staff.act("accounts/user", "reactivate", [user])
    again = httpx.post(f"{server.url}/v1/auth/login", json=login, headers=PROXIED, timeout=30)

    assert (ended.status_code, refused.json()["code"], again.status_code) == (401, "auth.account_disabled", 200)
    assert "deactivated" in staff.request("GET", f"/admin/accounts/user/{user}/history/").text
    recorded = staff.request("GET", f"/admin/accounts/auditrecord/?q={user}").text
    assert all(action in recorded for action in ("user.deactivated", "user.reactivated"))


def test_sessions_are_ended(staff: Browser, server: ParleyServer) -> None:
    user, token = register(server, "ivy")

    staff.act("accounts/user", "end_sessions", [user])

    assert httpx.get(f"{server.url}/v1/me", headers={**PROXIED, "Authorization": f"Bearer {token}"}).status_code == 401
    assert "user.sessions_ended" in staff.request("GET", f"/admin/accounts/auditrecord/?q={user}").text


def test_one_session_is_ended_and_the_others_stay(staff: Browser, server: ParleyServer) -> None:
    user, lost = register(server, "jane")
    login = {"username": "jane", "password": PASSWORD}
    kept = httpx.post(f"{server.url}/v1/auth/login", json=login, headers=PROXIED, timeout=30).json()["token"]
    headers = {token: {**PROXIED, "Authorization": f"Bearer {token}"} for token in (lost, kept)}
    sessions = httpx.get(f"{server.url}/v1/auth/sessions", headers=headers[lost], timeout=30).json()["results"]

    staff.act("accounts/session", "end", [session["id"] for session in sessions if session["current"]])

    statuses = [httpx.get(f"{server.url}/v1/me", headers=headers[token]).status_code for token in (lost, kept)]
    assert statuses == [401, 200]
    assert "user.sessions_ended" in staff.request("GET", f"/admin/accounts/auditrecord/?q={user}").text


def test_a_room_is_archived_with_an_event(staff: Browser, server: ParleyServer) -> None:
    _, token = register(server, "jack")
    headers = {**PROXIED, "Authorization": f"Bearer {token}"}
    room = httpx.post(f"{server.url}/v1/rooms", json={"kind": "private", "name": "Tea"}, headers=headers).json()["id"]

    staff.act("api/room", "archive", [room])

    events = httpx.get(f"{server.url}/v1/rooms/{room}/events", headers=headers).json()["results"]
    assert (events[-1]["type"], events[-1]["actor_id"]) == ("room.archived", None)
    assert "room.archived" in staff.request("GET", f"/admin/accounts/auditrecord/?q={room}").text


def test_nothing_can_be_added_edited_or_deleted(staff: Browser, server: ParleyServer) -> None:
    user, _ = register(server, "kim")

    page = staff.request("GET", f"/admin/accounts/user/{user}/change/")
    pages = [staff.request("GET", f"/admin/accounts/user/{part}/") for part in ("add", f"{user}/delete")]
    saved = staff.post(f"/admin/accounts/user/{user}/change/", "/admin/accounts/user/", {"username": "queen"})

    assert page.status_code == 200
    assert not re.search(r'type="(?:text|password)"|name="_save"', page.text)
    assert "argon2" not in page.text
    assert [each.status_code for each in (*pages, saved)] == [403] * 3


def test_a_wrong_host_is_refused(server: ParleyServer) -> None:
    response = httpx.get(f"{server.url}/admin/login/", headers={"Host": "evil.example"})

    assert (response.status_code, response.json()["code"]) == (400, "request.invalid")


@pytest.mark.parametrize("path", ["..%2f..%2f__init__.py", "../../__init__.py", "nothing.css", ""])
def test_no_other_file_is_served(server: ParleyServer, path: str) -> None:
    response = httpx.get(f"{server.url}/admin/static/{path}", headers=PROXIED, timeout=30)

    assert response.status_code in (302, 404)


def test_staff_who_are_removed_are_out_at_once(staff: Browser, server: ParleyServer) -> None:
    browser = Browser(server)
    browser.log_in("lena")
    before = browser.request("GET", "/admin/").status_code

    manage(server, "create_staff", "lena", "--remove")

    assert (before, browser.request("GET", "/admin/").status_code) == (200, 302)


def test_a_changed_password_ends_the_session_of_staff(staff: Browser, server: ParleyServer) -> None:
    login = {"username": "mona", "password": PASSWORD}
    token = httpx.post(f"{server.url}/v1/auth/login", json=login, headers=PROXIED, timeout=30).json()["token"]
    browser = Browser(server)
    browser.log_in("mona")
    before = browser.request("GET", "/admin/").status_code

    change = {"old": PASSWORD, "new": "a new and better phrase"}
    headers = {**PROXIED, "Authorization": f"Bearer {token}"}
    httpx.post(f"{server.url}/v1/auth/password", json=change, headers=headers, timeout=30)

    assert (before, browser.request("GET", "/admin/").status_code) == (200, 302)


def test_only_an_existing_user_can_become_staff(server: ParleyServer) -> None:
    assert "no active user" in manage(server, "create_staff", "nobody").stderr


def test_the_migrations_are_complete(server: ParleyServer) -> None:
    assert manage(server, "makemigrations", "--check", "--dry-run").returncode == 0


def test_without_the_setting_nothing_of_it_is_loaded() -> None:
    code = (
        "import json, sys, settings.asgi; from django.conf import settings;"
        "print(json.dumps([sorted(m for m in sys.modules if m.startswith('staff')),"
        " settings.MIDDLEWARE + settings.INSTALLED_APPS]))"
    )
    env = {**ParleyServer().environment, "ADMIN": "0"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True, capture_output=True, text=True)

    modules, installed = json.loads(done.stdout)
    assert modules == []
    assert not [each for each in installed if re.search("staff|contrib.(admin|sessions|messages)", each)]


def test_no_server_key_acts_as_staff(staff: Browser, server: ParleyServer) -> None:
    dinah, token = register(server, "dinah")
    found = httpx.get(f"{server.url}/v1/users?q=sally", headers={**PROXIED, "Authorization": f"Bearer {token}"}).json()
    key = manage(server, "create_key", "The shop", "--scope", "admin").stdout.strip()

    def act_as(user_id: str) -> httpx.Response:
        proxied = {name: value for name, value in PROXIED.items() if name != "Origin"}
        headers = {**proxied, "Authorization": f"Bearer {key}", "Parley-Act-As": user_id}
        return httpx.get(f"{server.url}/v1/me", headers=headers, timeout=30)

    refused = act_as(found["results"][0]["id"])
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert act_as(dinah).json()["username"] == "dinah"
    assert key not in staff.request("GET", "/admin/accounts/session/").text
