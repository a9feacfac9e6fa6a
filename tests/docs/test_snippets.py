"""The lines of docs/clients.md that start a client, run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

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
