"""docs/backend.md and examples/backends: the page's commands run as they stand, and each backend opens a session."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.docs.devices import EXAMPLES, node
from tests.docs.pages import blocks, objects, read
from tests.docs.test_tour import mask
from tests.identity.backends import SECRET
from tests.realtime.deployment import Deployment
from tests.servers import ROOT
from tests.services import free_port, wait_until
from tests.sockets import TLS

PAGE = "docs/backend.md"
PATIENCE = 120
FIELD = "field() { python -c \"import json, sys; print(json.load(sys.stdin)['$1'])\"; }\n"  # as in the tour


def test_the_page_works_as_it_stands(deployment: Deployment) -> None:
    [server] = deployment.servers
    script = FIELD + "".join(blocks(read(PAGE), "sh backend"))
    environment = {
        **server.environment,
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PARLEY": server.url,
    }

    typed = subprocess.run(
        ["bash", "-ec", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )

    assert typed.returncode == 0, typed.stdout + typed.stderr
    made_name = re.compile("u-[a-z2-9]{12}")
    user, me, member, sent, bot, extended = (made_name.sub("<name>", mask(line)) for line in _lines(typed.stdout))
    [shown] = [made_name.sub("<name>", mask(block)) for block in blocks(read(PAGE), "json backend")]
    assert list(objects(user)) == list(objects(shown))
    assert '"display_name":"Ada Lovelace"' in me
    assert '"role":"member"' in member
    assert '"text":"Where is my order?"' in sent
    assert '"username":"weather"' in bot
    assert '"display_name":"Grace Hopper"' in extended


def _lines(printed: str) -> list[str]:
    """The answers, one a line; curl prints none at the end of one."""
    return printed.replace("}{", "}\n{").splitlines()


def test_every_claim_and_answer_of_the_page_has_a_test() -> None:
    files = ("test_exchange", "test_jwt_attacks", "test_jwks")
    tests = "".join((ROOT / f"tests/identity/{file}.py").read_text() for file in files)

    for name in re.findall(r"^\| `(\w+)` \|", read(PAGE), re.MULTILINE):
        assert re.search(rf"\b{name}\b", tests), name
    for code in re.findall(r"^\| 4\d\d `([\w.]+)`", read(PAGE), re.MULTILINE):
        assert code in tests, code


@pytest.fixture(scope="module")
def key(deployment: Deployment) -> str:
    return deployment.manage("create_key", "A sample", "--scope", "admin").strip()


def check_backend(deployment: Deployment, key: str, command: list[str], cwd: Path, port: int) -> None:
    """Start a sample backend, get a session from it as two users, and use the sessions."""
    server = deployment.servers[0]
    environment = {**os.environ, "PARLEY": server.url, "PARLEY_KEY": key, "PORT": str(port)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    running = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with httpx.Client(verify=TLS, trust_env=False, timeout=20) as http:

        def open_session(name: str) -> Any:
            try:
                return http.post(f"http://127.0.0.1:{port}/chat-session", headers={"X-User": name})
            except httpx.TransportError:
                assert running.poll() is None, running.communicate()[0].decode()
                return None

        try:
            wait_until(lambda: open_session("grace") is not None, seconds=60, what="no backend")
            answers = [open_session(name) for name in ("ada", "a/b ?")]
        finally:
            running.kill()
            running.communicate()
        logins = [answer.json() for answer in answers]
        me = http.get(f"{server.url}/v1/me", headers={"Authorization": f"Bearer {logins[0]['token']}"})
    assert [login["user"]["display_name"] for login in logins] == ["ada", "a/b ?"]
    assert me.json()["id"] == logins[0]["user"]["id"]


def test_the_django_backend(deployment: Deployment, key: str) -> None:
    port = free_port()
    command = [sys.executable, "with_django.py", "runserver", "--noreload", str(port)]

    check_backend(deployment, key, command, EXAMPLES / "backends", port)


@pytest.mark.skipif(not os.environ.get("TEST_CLIENTS"), reason="`make test` needs no Node")
def test_the_express_backend(deployment: Deployment, key: str, tmp_path: Path) -> None:
    port = free_port()
    shutil.copytree(EXAMPLES / "backends", tmp_path, dirs_exist_ok=True)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=tmp_path, check=True, capture_output=True, timeout=300)

    check_backend(deployment, key, [*node(), "with_express.mjs"], tmp_path, port)


async def test_the_fastapi_backend(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", SECRET)
    spec = importlib.util.spec_from_file_location("with_fastapi", EXAMPLES / "backends/with_fastapi.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(module.app), base_url="http://backend") as backend:
        signed = (await backend.post("/chat-token", headers={"X-User": "grace"})).json()
    async with httpx.AsyncClient(base_url=deployment.servers[0].url, verify=TLS, trust_env=False) as parley:
        login = await parley.post("/v1/auth/exchange", json=signed)

    assert (login.status_code, login.json()["user"]["display_name"]) == (200, "Grace")
