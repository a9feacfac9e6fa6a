"""A grammar of frames: JSON, nearly JSON, or frames with odd parts, as text or binary; a seed repeats them."""

from __future__ import annotations

import json
from random import Random
from typing import Any
from uuid import uuid4

from tests.contracts.documents import asyncapi
from tests.contracts.test_mutations import ODD, ODDER, Mutator

ATOMS = [
    "null",
    "true",
    "1e999",
    "-0",
    "01",
    "NaN",
    "Infinity",
    '"\\ud800"',
    '"\\u0000"',
    '"a"',
    "9" * 400,
    "''",
    "\ufeff",
]
BROKEN = ["", "{", "[", '{"a":', '{"a":1,"a":2}', "[" * 200, '{"a":' * 100, "]", "\x00", '"', "{}{}", "// x"]
ODD_NAMES = ["type", "scope", "self", "__init__", "action ", "websocket.disconnect", "handle_action", "\u202e"]


class Grammar:
    """Endless frames of one seed."""

    def __init__(self, seed: int, ids: dict[str, str]) -> None:
        self.random = Random(seed)
        self.mutator = Mutator(seed, [*ODD, *ODDER])
        self.ids = ids
        messages = asyncapi().document["components"]["messages"]
        stems = [asyncapi().stem(name) for name in asyncapi().actions if name != "authenticate"]
        self.examples = [messages[f"{stem}Frame"]["examples"][0]["payload"] for stem in stems]

    def frame(self) -> str | bytes:
        """Return the next frame: three of four are JSON objects, so that the actions are reached."""
        match self.random.randrange(16):
            case 0 | 1:
                return self.random.choice(BROKEN)
            case 2:
                return self.value(0)
            case 3:  # a binary frame
                return self.value(0).encode()
            case 4 | 5:
                return json.dumps({self.random.choice(ODD_NAMES): self.random.choice(ODD), "action": "ping"})
            case _:
                frame = {key: self.ids.get(key, value) for key, value in self.random.choice(self.examples).items()}
                frame["request_id"] = uuid4().hex
                mutated: Any = self.mutator.mutate(frame)
                return json.dumps(mutated)

    def value(self, depth: int) -> str:
        """Return a value by the rules of JSON, with atoms that break them."""
        kind = self.random.randrange(4 if depth < 6 else 2)
        if kind < 2:
            return self.random.choice(ATOMS)
        parts = [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        if kind == 2:
            return f"[{','.join(parts)}]"
        return "{" + ",".join(f"{json.dumps(self.random.choice(ODD_NAMES))}:{part}" for part in parts) + "}"
