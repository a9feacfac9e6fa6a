"""Faults of a line: each rule names the frames that it is about, and what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Json = dict[str, Any]
Kind = Literal["request", "reply", "push"]
Deed = Literal["cut", "drop", "double", "hold", "change", "answer", "insert", "close", "split"]

TITLE = "A fault of the proxy."


@dataclass(eq=False)
class Rule:
    """The fate of some frames of one kind.

    A `request` is a frame of the client, a `reply` its answer, a `push` what comes without a request: `hello`,
    `events`, `goodbye`. The rule is about frames with this `action` and, for events, this `type`; `skip` of them pass
    first, and then it works `times` times (None: always).
    """

    do: Deed
    on: Kind
    action: str | None = None
    type: str | None = None
    skip: int = 0
    times: int | None = 1
    after: bool = False  # cut and close: behind the frame, not instead of it
    behind: int | None = None  # hold: until so many later frames have passed; None: until `release`
    change: Callable[[Json], Json] = lambda frame: frame
    status: int = 503  # answer
    problem: Json = field(default_factory=dict)  # answer: fields of the problem; without a code the data are null
    frames: list[Json] = field(default_factory=list)  # insert: before the frame
    code: int = 1012  # close
    reason: str = "restart"
    goodbye: Json | None = None  # close: the goodbye before it
    done: int = 0
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, kind: Kind, frame: Json) -> bool:
        """Return whether the rule is about this frame; counts it."""
        if kind != self.on or self.times == self.done or self.action not in (None, frame.get("action")):
            return False
        events = frame.get("data") if frame.get("action") == "events" and kind == "push" else []
        if self.type is not None and all(event.get("type") != self.type for event in events or []):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.done += 1
        return True

    def refusal(self, request: Json) -> Json:
        """The reply that the client gets instead of the server's."""
        problem = {
            "type": f"/problems/{self.problem.get('code', 'unavailable')}",
            "title": TITLE,
            "status": self.status,
            "detail": TITLE,
            "code": "unavailable",
            "errors": [],
            "retryable": False,
            "retry_after_ms": None,
            "request_id": request.get("request_id"),
            **self.problem,
        }
        head = {"action": request["action"], "request_id": request.get("request_id"), "response_status": self.status}
        return {**head, "errors": [problem], "data": None}

    def release(self) -> None:
        """Let what is held pass."""
        self._released.set()

    async def released(self) -> None:
        """Wait for `release`."""
        await self._released.wait()


def patched(value: Any, patch: Any) -> Any:
    """A value changed by a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for key, each in patch.items():
        if each is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), each)
    return result


def parse_rule(body: Json) -> Rule:
    """A rule in JSON, as the control endpoint takes it. Raises ValueError that names what is wrong."""
    known = {name for name in Rule.__dataclass_fields__ if not name.startswith("_")} - {"change", "done"}
    if unknown := sorted(set(body) - known - {"patch", "event_patch"}):
        raise ValueError(f"There is no such field: {', '.join(unknown)}.")
    for name, allowed in (("do", get_args(Deed)), ("on", get_args(Kind))):
        if body.get(name) not in allowed:
            raise ValueError(f"`{name}` must be one of {', '.join(allowed)}.")
    fields = {name: value for name, value in body.items() if name in known}
    patch, event_patch, kind = body.get("patch"), body.get("event_patch"), body.get("type")

    def change(frame: Json) -> Json:
        changed = deepcopy(frame)
        if patch is not None:
            changed = patched(changed, patch)
        for number, event in enumerate(changed["data"] if event_patch is not None else ()):
            if kind in (None, event["type"]):
                changed["data"][number] = patched(event, event_patch)
        return changed

    return Rule(**fields, change=change)
