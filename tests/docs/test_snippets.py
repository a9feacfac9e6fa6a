"""The lines of docs/clients.md that start a client, run as they stand."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
from parley_client import Parley, SqliteStore

from tests.docs.devices import EXAMPLES, PATIENCE, Room, node
from tests.docs.pages import blocks, read
from tests.realtime.deployment import Deployment
from tests.servers import ROOT
from tests.services import wait_until

PAGE = read("docs/clients.md")
# The names that a page defines itself; the script is what a browser would run.
BROWSER = """
const [url, token, room] = process.argv.slice(2);
const records = new Map();
const localStorage = {
  get length() { return records.size; },
  key: (index) => [...records.keys()][index] ?? null,
  getItem: (key) => records.get(key) ?? null,
  setItem: (key, text) => { records.set(key, text); },
  removeItem: (key) => { records.delete(key); },
};
"""


async def test_the_python_package_sends_a_message(
    deployment: Deployment, room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sample of the page, and that of the package's own page, which has an import and comments more."""
    token = await asyncio.to_thread(room.join, "alice")
    names: dict[str, Any] = {"url": deployment.servers[0].url, "token": token, "room_id": room.id}
    names |= {"path": tmp_path / "alice.sqlite3", "Parley": Parley, "SqliteStore": SqliteStore}
    for page, language in ((PAGE, "python package"), (read("clients/python/README.md"), "python client")):
        [sample] = blocks(page, language)
        exec(f"async def sample():\n{indent(sample, '    ')}", names)
        await names["sample"]()

    assert "The server has it as number" in capsys.readouterr().out
    assert await asyncio.to_thread(room.texts, token) == ["Tea?", "Tea?"]


def test_the_bot_of_the_python_package_answers(deployment: Deployment, room: Room, tmp_path: Path) -> None:
    [sample] = blocks(read("clients/python/README.md"), "python bot")
    alice, bot = room.join("alice"), room.join("bot")
    program = f"import asyncio\nfrom parley_client import Parley\nurl, token, room_id = {deployment.servers[0].url!r}, "
    program += f"{bot!r}, {room.id!r}\n{sample}\nasyncio.run(answer())"
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": "clients/python"}, cwd=ROOT
    )

    try:
        # The bot answers messages that are new, so it must be there first.
        wait_until(lambda: said(room, alice), seconds=PATIENCE, what="no answer")
    finally:
        process.kill()
        process.communicate()


def said(room: Room, token: str) -> bool:
    """Send a message; True when one was answered."""
    room.send("Tea?", token)
    return any(text == "You said: Tea?" for text in room.texts(token))


def test_the_python_snippet_sends_a_message(deployment: Deployment, room: Room, tmp_path: Path) -> None:
    [line] = blocks(PAGE, "sh python client")
    token = room.join("alice")
    variables = {"PARLEY": deployment.servers[0].url, "ALICE": token, "ROOM": room.id}
    script = "exec " + line.replace("/tmp/alice.sqlite3", str(tmp_path / "alice.sqlite3"))

    client = subprocess.Popen(
        ["bash", "-c", script], cwd=ROOT, env=os.environ | variables, stdin=subprocess.PIPE, text=True
    )
    assert client.stdin is not None
    client.stdin.write("hello\n")
    client.stdin.flush()

    try:
        wait_until(lambda: room.texts(token) == ["hello"], seconds=PATIENCE, what="nothing sent")
    finally:
        client.kill()
        client.communicate()


def test_the_html_snippet_sends_a_message(deployment: Deployment, room: Room, tmp_path: Path) -> None:
    [page] = blocks(PAGE, "html javascript client")
    [script] = re.findall(r'<script type="module">\n(.*)</script>', page, re.DOTALL)
    token = room.join("alice")
    shutil.copy(EXAMPLES / "client.mjs", tmp_path)
    (tmp_path / "page.mjs").write_text(BROWSER + script)

    browser = subprocess.Popen(
        [*node(), "page.mjs", f"{deployment.servers[0].ws_url}/v1/ws", token, room.id],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )

    try:
        assert browser.stdout is not None
        assert browser.stdout.readline() == "hello\n"
    finally:
        browser.kill()
        browser.communicate()
    assert room.texts(token) == ["hello"]
