"""The examples of docs/people.md, run as they stand."""

from __future__ import annotations

import json
import os
import subprocess
from uuid import uuid4

from tests.docs.devices import PATIENCE, Room
from tests.docs.pages import blocks, objects, read
from tests.realtime.deployment import Deployment

PAGE = read("docs/people.md")


def test_every_answer_of_the_page_arrives(deployment: Deployment, room: Room) -> None:
    alice, bob = room.join("alice"), room.join("bob")
    message = room.post(f"rooms/{room.id}/messages", bob, client_id=uuid4().hex, text="hello")
    variables = {
        "PARLEY": deployment.servers[0].url,
        "ALICE": alice,
        "BOB": bob,
        "BOB_ID": message["sender"]["id"],
        "ROOM": room.id,
        "MESSAGE": message["id"],
    }

    script = "\n".join(blocks(PAGE, "sh people"))
    typed = subprocess.run(
        ["bash", "-ec", script], env=os.environ | variables, capture_output=True, text=True, timeout=PATIENCE
    )

    came = list(objects(typed.stdout))
    for block in blocks(PAGE, "json people"):
        shown = json.loads(block)
        assert any(shown.items() <= answer.items() for answer in came), (shown, typed.stdout, typed.stderr)
