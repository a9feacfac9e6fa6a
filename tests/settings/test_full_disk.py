"""SQLite on a full disk: no message is stored, all reads work, and sessions can still be ended."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.servers import ParleyServer
from tests.services import wait_until
from tests.sockets import PASSWORD, TLS, Account, join_parley

SIZE = "6m"


class SmallDisk(ParleyServer):
    """A server whose database is on a tiny file system of its own, in a mount namespace that ends with it."""

    def __init__(self) -> None:
        super().__init__(env={"DJANGO_SETTINGS_MODULE": "tests.realtime.live_settings"})
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        self.environment["DATABASE_URL"] = f"sqlite:///{self.disk / 'parley.sqlite3'}"

    def _command(self) -> list[str]:
        mount = f'mount -t tmpfs -o size={SIZE} tmpfs "{self.disk}" && exec "$0" manage.py serve'
        as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        return ["unshare", *as_root, "--mount", "sh", "-c", mount, sys.executable]

    @property
    def inside(self) -> Path:
        """The folder of the disk in the server's mount namespace."""
        return Path(f"/proc/{self.pid}/root{self.disk}")

    def fill(self) -> None:
        with contextlib.suppress(OSError), (self.inside / "filler").open("ab", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4_096)

    def free(self) -> None:
        (self.inside / "filler").unlink()


@pytest.fixture
def parley() -> Iterator[SmallDisk]:
    with SmallDisk() as parley:
        yield parley


@pytest.fixture
async def alice(parley: SmallDisk) -> AsyncIterator[Account]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(verify=TLS, trust_env=False, timeout=30))
        yield await join_parley(parley, http, stack, "alice")


async def fill_disk(parley: SmallDisk, alice: Account) -> str:
    """Fill the disk until a message is rejected, then once more; return the path for messages."""
    room = await alice.make_room()
    path = f"/v1/rooms/{room['id']}/messages"
    for number in range(2_000):
        parley.fill()
        response = await alice.post(path, {"client_id": f"{number}", "text": "x" * 7_900})
        if response.status_code == 503:
            parley.fill()
            return path
    raise AssertionError("The disk does not become full.")


async def test_sessions_can_be_ended_on_a_full_disk(parley: SmallDisk, alice: Account) -> None:
    laptop, tablet, desk = [await alice.another_device() for _ in range(3)]
    sockets = {device.session["id"]: await device.connect() for device in (alice, laptop, tablet, desk)}
    path = await fill_disk(parley, alice)

    refused = await alice.post(path, {"client_id": "late", "text": "x" * 7_900})
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    ready = await alice.http.get(f"{parley.url}/readyz")
    assert (ready.status_code, ready.json()["reason"]) == (503, "disk")

    assert (await tablet.post("/v1/auth/logout")).status_code == 204
    assert (await laptop.delete(f"/v1/auth/sessions/{desk.session['id']}")).status_code == 204
    body = {"old": PASSWORD, "new": "another horse battery"}
    assert (await laptop.post("/v1/auth/password", body)).status_code == 204
    assert (await laptop.get("/v1/me")).status_code == 200
    assert (await laptop.get("/v1/auth/sessions")).json()["results"][0]["id"] == laptop.session["id"]
    assert (await laptop.post("/v1/auth/logout-all")).status_code == 204

    for device in (alice, laptop, tablet, desk):
        assert (await device.get("/v1/me")).status_code == 401
        assert (await sockets[device.session["id"]].end()).code == 4410
    parley.free()
    wait_until(parley.ready, seconds=20, what="not ready")
    for password, status in ((PASSWORD, 401), (body["new"], 200)):
        login = {"username": alice.username, "password": password}
        assert (await alice.http.post(f"{parley.url}/v1/auth/login", json=login)).status_code == status


async def test_a_session_ended_on_a_full_disk_has_ended_after_a_crash(parley: SmallDisk, alice: Account) -> None:
    """The reserved space stores it, so the response does not have the header Parley-Revocation."""
    await fill_disk(parley, alice)

    response = await alice.post("/v1/auth/logout")

    assert (response.status_code, response.headers.get("Parley-Revocation")) == (204, None)
    wal = (parley.inside / "parley.sqlite3-wal").stat().st_size
    assert wal > 0
    copied = ParleyServer(env={"DJANGO_SETTINGS_MODULE": "tests.realtime.live_settings"})
    for name in ("parley.sqlite3", "parley.sqlite3-wal"):
        (copied.folder / name).write_bytes((parley.inside / name).read_bytes())
    with copied:  # the state in which a process starts after a crash
        bearer = {"Authorization": f"Bearer {alice.token}"}
        assert (await alice.http.get(f"{copied.url}/v1/me", headers=bearer)).status_code == 401


async def test_a_full_disk_is_logged_once_a_second(parley: SmallDisk, alice: Account) -> None:
    path = await fill_disk(parley, alice)
    before = len(parley.logs.splitlines())

    for _ in range(50):
        response = await alice.post(path, {"client_id": uuid4().hex, "text": "x" * 7_900})
        assert response.status_code == 503, json.dumps(response.json())

    lines = [line for line in parley.logs.splitlines()[before:] if " access: " not in line]
    assert "Traceback" not in parley.logs
    assert "database or disk is full" in parley.logs
    seconds = {line[:19] for line in lines}  # the time, without milliseconds
    assert len(lines) <= len(seconds) + 1  # two a second apart may have one time
