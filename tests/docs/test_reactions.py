"""The commands of docs/reactions.md, run as they stand, and its event."""

from __future__ import annotations

import json
import os
import re
import subprocess

from tests.contracts.documents import asyncapi
from tests.docs.devices import PATIENCE, Room
from tests.docs.pages import blocks, read
from tests.realtime.deployment import Deployment

PAGE = read("docs/reactions.md")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PRINTED = """\
"reactions":[{"key":"\U0001f44d","count":1,"user_ids":["<id>"]}],"thread_root
"mine":{"<id>":["\U0001f44d"]}}
"key":"\U0001f44d"
"reactions":[]
"pinned_at":"<time>"
"text":"Cake?"
"pinned_at":null
"forwarded":{"message_id"
"text":"Cake!"
"text":"Cake?"
"text":"Cake!"
"""


def test_the_page_works_as_it_stands(deployment: Deployment, room: Room) -> None:
    variables = {"PARLEY": deployment.servers[0].url, "ALICE": room.join("alice"), "ROOM": room.id}

    script = "".join(blocks(PAGE, "sh reactions"))
    typed = subprocess.run(
        ["bash", "-ec", script], env=os.environ | variables, capture_output=True, text=True, timeout=PATIENCE
    )

    assert typed.returncode == 0, typed.stdout + typed.stderr
    assert UUID.sub("<id>", TIME.sub("<time>", typed.stdout)) == PRINTED


def test_the_event_matches_the_contract() -> None:
    [frame] = blocks(PAGE, "json frame")

    asyncapi().judge_frame(json.loads(frame))
