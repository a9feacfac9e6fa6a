"""The rules of partial events and of equal versions in the clients of examples/; the same for both."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.docs.devices import EXAMPLES, node

JSON = dict[str, Any]

BOB, TEA = {"id": "bob", "username": "bob"}, {"key": ":tea:", "count": 1, "user_ids": ["bob"]}
HELD: JSON = {"id": "m", "room_id": "r", "seq": 2, "version": 2, "text": "Tea?", "sender": BOB, "deleted_at": None}
HELD |= {"reactions": [], "pinned_at": None, "pinned_by": None, "forwarded": {"sender": BOB, "text": "psst"}}
CREATED: JSON = {"type": "message.created", "seq": 2, "at": "then", "data": HELD}


def partial(kind: str, version: int, base_version: int, **fields: Any) -> JSON:
    data = {"id": "m", "room_id": "r", "seq": 2, "version": version, "base_version": base_version, **fields}
    return {"type": kind, "seq": version, "at": "then", "data": data}


def reaction(version: int, base_version: int, **changes: Any) -> JSON:
    change = {"user_id": "bob", "key": ":tea:", "on": True}
    return partial("reaction.changed", version, base_version, change=change, reaction=TEA | changes)


def event(**changes: Any) -> JSON:
    data = {**HELD, "streaming": False, "blocked": False, **changes}
    return {"type": "message.edited", "seq": 6, "at": "then", "data": data}


ERASED = {"type": "user.erased", "seq": 5, "at": "then", "data": {"user": {"id": "bob", "username": "deleted"}}}
CASES: dict[str, tuple[list[JSON], JSON]] = {
    "a reaction": ([reaction(3, 2)], {"version": 3, "reactions": [TEA]}),
    "a second one": ([reaction(3, 2), reaction(4, 3, count=2)], {"version": 4, "reactions": [TEA | {"count": 2}]}),
    "the last one goes": ([reaction(3, 2), reaction(4, 3, count=0)], {"version": 4, "reactions": []}),
    "a pin": ([partial("pin.added", 3, 2, pinned_at="now", pinned_by="bob")], {"version": 3, "pinned_at": "now"}),
    "too late": ([reaction(2, 1)], {"version": 2, "reactions": []}),
    "another version": ([reaction(5, 4)], {"version": 2, "reactions": [], "stale": True}),
    "the end of a stub": (
        [event(blocked=True, version=3, text=None), event(version=3)],
        {"text": "Tea?", "blocked": False},
    ),
    "a longer beginning": (
        [event(streaming=True, version=3), event(streaming=True, version=3, text="Tea? Or")],
        {"text": "Tea? Or", "streaming": True},
    ),
    "a shorter beginning": (
        [event(streaming=True, version=3), event(streaming=True, version=3, text="Te")],
        {"text": "Tea?", "streaming": True},
    ),
    "a stale copy": ([reaction(5, 4), event(text="Tea!")], {"version": 2, "text": "Tea!", "stale": None}),
    "the same version": ([event(text="Tea!")], {"version": 2, "text": "Tea?"}),
    "an erased author": ([ERASED], {"forwarded": {"sender": {"id": "bob", "username": "deleted"}, "text": "psst"}}),
}
SCRIPT = """
globalThis.WebSocket = class { close() {} };
const { Client } = await import(process.argv[2]);
const store = { getItem: () => null, setItem() {}, removeItem() {}, key: () => null, length: 0 };
const client = new Client({ url: "", token: "token", room: "r", store, onMessage() {} });
for (const event of JSON.parse(process.argv[1])) client.applyEvent(event);
console.log(JSON.stringify(client.messages));
process.exit(0);
"""


def in_python(events: list[JSON], tmp_path: Path) -> list[JSON]:
    spec = importlib.util.spec_from_file_location("client", EXAMPLES / "client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    client = module.Client("", "token", "r", str(tmp_path / "store"), lambda message: None)
    for event in json.loads(json.dumps(events)):
        client.apply_event(event)
    client.store.close()
    return list(client.messages.values())


def in_javascript(events: list[JSON]) -> list[JSON]:
    command = [*node(), "--input-type=module", "-e", SCRIPT, json.dumps(events), str(EXAMPLES / "client.mjs")]
    shown: list[JSON] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return shown


@pytest.mark.parametrize("case", CASES)
def test_the_python_client_follows_the_rule(case: str, tmp_path: Path) -> None:
    events, expected = CASES[case]

    [message] = in_python([CREATED, *events], tmp_path)

    assert {name: message.get(name) for name in expected} == expected


def test_the_javascript_client_follows_the_rule() -> None:
    for case, (events, expected) in CASES.items():
        [message] = in_javascript([CREATED, *events])
        assert {name: message.get(name) for name in expected} == expected, case
