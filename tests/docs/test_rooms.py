"""The examples of docs/rooms.md, run as they stand."""

from __future__ import annotations

import json
import os
import subprocess

from tests.contracts.world import Caller
from tests.docs.devices import PATIENCE
from tests.docs.pages import blocks, objects, read
from tests.realtime.deployment import Deployment

PAGE = read("docs/rooms.md")


def test_every_answer_of_the_page_arrives(deployment: Deployment) -> None:
    alice, bob, charlie = (Caller(deployment.servers[0], name) for name in ("alice", "bob", "charlie"))
    room = alice.make("/v1/rooms", {"kind": "private", "name": "Tea", "members": [bob.id]})
    variables = {
        "PARLEY": deployment.servers[0].url,
        "ALICE": alice.token,
        "BOB": bob.token,
        "BOB_ID": bob.id,
        "CHARLIE": charlie.token,
        "CHARLIE_ID": charlie.id,
        "ROOM": room["id"],
    }
    for caller in (alice, bob, charlie):
        caller.close()

    script = "\n".join(blocks(PAGE, "sh rooms"))
    typed = subprocess.run(
        ["bash", "-ec", script], env=os.environ | variables, capture_output=True, text=True, timeout=PATIENCE
    )

    came = list(objects(typed.stdout))
    for block in blocks(PAGE, "json rooms"):
        shown = json.loads(block)
        assert any(shown.items() <= answer.items() for answer in came), (shown, typed.stdout, typed.stderr)
