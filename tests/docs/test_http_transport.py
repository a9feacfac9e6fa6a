"""The examples of docs/http-transport.md, run as they stand."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.docs.devices import PATIENCE, Room, node
from tests.docs.pages import blocks, read
from tests.realtime.deployment import Deployment
from tests.services import wait_until

PAGE = read("docs/http-transport.md")
# What an app has around the code of the page: its own names, and what it does when a stream has ended.
APP = """
const [url, token] = process.argv.slice(2);
const show = (event) => event.type === "message.created" && console.log(event.data.text);
{page}
console.log((await follow()).code, JSON.stringify(cursors));
"""


def test_the_poll_answers_with_the_message(deployment: Deployment, room: Room) -> None:
    [line] = blocks(PAGE, "sh poll")
    token = room.join("alice")
    variables = {"PARLEY": deployment.servers[0].url, "ALICE": token, "ROOM": room.id}

    with subprocess.Popen(["bash", "-c", line], env=os.environ | variables, stdout=subprocess.PIPE, text=True) as poll:
        room.send("hello", token)
        answer, _ = poll.communicate(timeout=PATIENCE)

    [entry] = json.loads(answer)["rooms"]
    assert [event["data"]["text"] for event in entry["events"]] == ["hello"]


def test_the_stream_shows_messages_and_keeps_cursors(deployment: Deployment, room: Room, tmp_path: Path) -> None:
    [page] = blocks(PAGE, "javascript stream")
    token = room.join("alice")
    (tmp_path / "page.mjs").write_text(APP.replace("{page}", page))

    output = tmp_path / "output"
    with output.open("w") as shown:
        browser = subprocess.Popen(
            [*node(), "page.mjs", deployment.servers[0].url, token], cwd=tmp_path, stdout=shown, stderr=shown
        )

    def shows_a_message() -> bool:
        room.send("hello", token)  # again and again: the first ones may come before the stream is open
        return "hello" in output.read_text()

    try:
        wait_until(shows_a_message, seconds=PATIENCE, what="nothing shown")
        room.post("auth/logout", token)
        browser.wait(PATIENCE)
    finally:
        browser.kill()
        browser.wait()
    code, cursors = output.read_text().splitlines()[-1].split(" ", 1)
    assert code == "4410"
    assert list(json.loads(cursors)["rooms"]) == [room.id]
