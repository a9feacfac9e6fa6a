"""Reads one frame strictly: a frame of any other shape becomes a problem."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from realtime.limits import MAX_REQUEST_ID_CHARS
from wire import strict_json
from wire.calls import Call
from wire.problems import FIELD_CHARS, FieldError, Problem, define
from wire.strict_json import MAX_NUMBER

MAX_NUMBER_CHARS = len(str(-MAX_NUMBER))  # Python takes quadratic time for more digits

define("frame.invalid", 400, "The frame is not a request: a JSON object with an action")
define("action.unknown", 400, "There is no such action")


@dataclass(slots=True)
class Request:
    """A frame that was read: `body` is all that is neither action nor request_id.

    `action` is None unless it is one of the actions, so that a reply names an action of the contract or none.
    """

    action: str | None = None
    request_id: str | int | None = None
    body: dict[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    call: Call | None = None
    ordering_key: str = ""  # frames of one room keep their order, and so do all bad ones and those without a room
    is_light: bool = False  # one of MAX_LIGHT_FRAMES, not of MAX_CONCURRENT_FRAMES


def read_frame(text: str | None, actions: frozenset[str]) -> Request:
    """Read a frame; `problem` has the first error, beside everything that could be read."""
    request = Request()
    try:
        if text is None:
            raise Problem("frame.invalid", "Binary frames are not accepted: send JSON as text.")
        try:
            content = strict_json.loads(text)
        except Problem:
            _read_leniently(request, text, actions)
            raise
        if not isinstance(content, dict):
            raise Problem("frame.invalid", "A frame is a JSON object.")
        request_id, action = content.pop("request_id", None), content.pop("action", None)
        request.action = _known_action(action, actions)
        request.request_id = _request_id(request_id)
        request.body = content
        if not isinstance(action, str):
            raise Problem("frame.invalid", "A frame names its action, a string.")
        if request.action is None:
            detail = f"There is no action {action[:FIELD_CHARS]!r}. The actions are {', '.join(sorted(actions))}."
            raise Problem("action.unknown", detail, errors=[FieldError("action", "unknown", detail)])
        if isinstance(room_id := content.get("room_id"), str):
            request.ordering_key = room_id.lower()
    except Problem as problem:
        request.problem = problem
    return request


def _read_leniently(request: Request, text: str, actions: frozenset[str]) -> None:
    """Read action and request_id of a frame that is JSON by RFC 8259 but breaks a rule of ours, only to answer it.

    This includes NaN, which Python writes by default.
    """
    try:
        content = json.loads(
            text.removeprefix("\ufeff"),
            parse_int=lambda digits: int(digits) if len(digits) <= MAX_NUMBER_CHARS else None,
        )
    except (ValueError, RecursionError):
        return
    if not isinstance(content, dict):
        return
    request.action = _known_action(content.get("action"), actions)
    with suppress(Problem, TypeError):
        request_id = _request_id(content.get("request_id"))
        strict_json.dumps(request_id)  # half a surrogate would break the reply
        request.request_id = request_id


def _known_action(value: object, actions: frozenset[str]) -> str | None:
    return value if isinstance(value, str) and value in actions else None


def _request_id(value: object) -> str | int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER):
        return value
    if isinstance(value, str) and len(value) <= MAX_REQUEST_ID_CHARS:
        return value
    raise Problem("frame.invalid", f"request_id is a string of at most {MAX_REQUEST_ID_CHARS}, an integer, or absent.")
