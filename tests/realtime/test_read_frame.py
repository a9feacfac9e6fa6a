"""read_frame() refuses every malformed frame, and finds the request_id of all in which there is one."""

from __future__ import annotations

import pytest

from realtime.consumers.frames import read_frame

ACTIONS = frozenset({"ping", "send_message"})
BOMB = "[" * 30_000
PING = '{"action": "ping", "request_id": "r", '
SEND = '{"action": "send_message", "request_id": "r", "room_id": "r", "client_id": "c", "text": "x"'

# Without a request_id that can be read. None is a binary frame.
NAMELESS: dict[str, tuple[str | None, str]] = {
    "half an object": ("{bad", "json.invalid"),
    "nothing": ("", "json.invalid"),
    "blanks": ("  \n", "json.invalid"),
    "two documents": ("{} {}", "json.invalid"),
    "a comment": ('{"action": "ping"} // hi', "json.invalid"),
    "single quotes": ("{'action': 'ping'}", "json.invalid"),
    "two byte order marks": ('\ufeff\ufeff{"action": "ping"}', "json.invalid"),
    "a list": ("[1]", "frame.invalid"),
    "an empty list": ("[]", "frame.invalid"),
    "a list of actions": ('[{"action": "ping"}]', "frame.invalid"),
    "a string": ('"x"', "frame.invalid"),
    "a number": ("5", "frame.invalid"),
    "null": ("null", "frame.invalid"),
    "true": ("true", "frame.invalid"),
    "NaN": ("NaN", "json.invalid"),
    "an empty object": ("{}", "frame.invalid"),
    "no action": ('{"room_id": null}', "frame.invalid"),
    "a bomb of brackets": (BOMB, "json.invalid"),
    "a bomb of objects": ('{"a":' * 9_000, "json.invalid"),
    "a bomb that closes": (BOMB + "]" * 30_000, "json.invalid"),
    "a request_id of half a surrogate": (r'{"action": "ping", "request_id": "\ud800"}', "json.invalid"),
    "a request_id with NaN": ('{"action": "ping", "request_id": NaN}', "json.invalid"),
    "an infinite request_id": ('{"action": "ping", "request_id": 1e999}', "json.invalid"),
    "a request_id of 5,000 digits": ('{"action": "ping", "request_id": %s}' % ("9" * 5_000), "json.invalid"),
    "a request_id beyond 2^53": ('{"action": "ping", "request_id": 9007199254740992}', "json.invalid"),
    "a request_id below -2^53": ('{"action": "ping", "request_id": -9007199254740992}', "json.invalid"),
    "a request_id that is a list": ('{"action": "ping", "request_id": []}', "frame.invalid"),
    "a request_id that is an object": ('{"action": "ping", "request_id": {"a": 1}}', "frame.invalid"),
    "a request_id that is true": ('{"action": "ping", "request_id": true}', "frame.invalid"),
    "a request_id that is no integer": ('{"action": "ping", "request_id": 1.5}', "frame.invalid"),
    "a request_id that is too long": ('{"action": "ping", "request_id": "%s"}' % ("x" * 65), "frame.invalid"),
    "bytes": (None, "frame.invalid"),
}

NAMED: dict[str, tuple[str, str]] = {
    "no action": ('{"request_id": "r"}', "frame.invalid"),
    "a null action": ('{"request_id": "r", "action": null}', "frame.invalid"),
    "a numeric action": ('{"request_id": "r", "action": 5}', "frame.invalid"),
    "a list for an action": ('{"request_id": "r", "action": ["ping"]}', "frame.invalid"),
    "an object for an action": ('{"request_id": "r", "action": {"ping": 1}}', "frame.invalid"),
    "an unknown action": ('{"request_id": "r", "action": "explode"}', "action.unknown"),
    "an empty action": ('{"request_id": "r", "action": ""}', "action.unknown"),
    "another spelling": ('{"request_id": "r", "action": "Ping"}', "action.unknown"),
    "a method that is no action": ('{"request_id": "r", "action": "websocket_disconnect"}', "action.unknown"),
    "a dunder": ('{"request_id": "r", "action": "__init__"}', "action.unknown"),
    "a method of DCRF": ('{"request_id": "r", "action": "handle_exception"}', "action.unknown"),
    "too many keys": (PING + ", ".join(f'"k{n}": 1' for n in range(2_100)) + "}", "json.invalid"),
    "a key twice": ('{"request_id": "r", "action": "ping", "action": "ping"}', "json.invalid"),
    "a key twice, escaped": (SEND + r', "te\u0078t": "y"}', "json.invalid"),
    "NaN": (SEND + ', "metadata": {"a": NaN}}', "json.invalid"),
    "minus infinity": (SEND + ', "metadata": {"a": -Infinity}}', "json.invalid"),
    "1e999": (SEND + ', "metadata": {"a": 1e999}}', "json.invalid"),
    "5,000 digits": (SEND + ', "metadata": {"a": %s}}' % ("9" * 5_000), "json.invalid"),
    "beyond 2^53": (SEND + ', "metadata": {"a": 9007199254740992}}', "json.invalid"),
    "too deep": (SEND + ', "metadata": ' + '{"a":' * 16 + "1" + "}" * 17, "json.invalid"),
    "NUL": (SEND + r', "metadata": {"a": "\u0000"}}', "json.invalid"),
    "NUL in a key": (SEND + r', "metadata": {"\u0000": "a"}}', "json.invalid"),
    "half a surrogate for an action": (r'{"action": "\ud800", "request_id": "r"}', "json.invalid"),
    "half a surrogate": (SEND + r', "metadata": {"a": "\udfff"}}', "json.invalid"),
}


@pytest.mark.parametrize("name", NAMELESS)
def test_a_frame_without_a_name_is_refused(name: str) -> None:
    frame, code = NAMELESS[name]

    request = read_frame(frame, ACTIONS)

    assert request.problem is not None
    assert (request.problem.code, request.request_id) == (code, None)


@pytest.mark.parametrize("name", NAMED)
def test_a_frame_with_a_name_is_refused_by_name(name: str) -> None:
    frame, code = NAMED[name]

    request = read_frame(frame, ACTIONS)

    assert request.problem is not None
    assert (request.problem.code, request.request_id) == (code, "r")


@pytest.mark.parametrize("name", [name for name in NAMELESS if name.startswith("a request_id ")])
def test_the_action_beside_a_wrong_request_id_is_read(name: str) -> None:
    frame, _ = NAMELESS[name]

    assert read_frame(frame, ACTIONS).action == "ping"


@pytest.mark.parametrize("request_id", [2**53 - 1, 1 - 2**53])
def test_the_largest_request_ids_of_a_wrong_frame_are_read(request_id: int) -> None:
    request = read_frame(f'{{"action": "ping", "request_id": {request_id}, "a": NaN}}', ACTIONS)

    assert (request.action, request.request_id) == ("ping", request_id)
