"""Responses that a coroutine on the event loop finishes after the view has returned its thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from django.http import HttpResponse

from wire.calls import Call
from wire.problems import CONTENT_TYPE, REFUSALS, to_problem

PIECE_BYTES = 64 * 1024  # of an answer: the server buffers a piece, beside the answer itself


class Answer(NamedTuple):
    """A response, which waits until its client reads it. With `finish` the event loop has yet to complete it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    content: bytes = b""
    finish: Finish | None = None

    def header(self, name: str) -> str:
        """Return the value of a header, or an empty text."""
        return next((value.decode("latin-1") for key, value in self.headers if key.lower() == name.encode()), "")

    def with_headers(self, changes: Iterable[tuple[str, str]]) -> Answer:
        """Return the answer with these headers, in place of others with the same names."""
        changed = {name.lower().encode(): value.encode("latin-1") for name, value in changes}
        kept = [(name, value) for name, value in self.headers if name.lower() not in changed]
        return self._replace(headers=[*kept, *changed.items()])


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request whose view has ended: its connection, and the answer as the view and the middlewares began it."""

    scope: MutableMapping[str, Any]
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]]
    send: Callable[[dict[str, Any]], Awaitable[None]]
    answer: Answer
    call: Call

    async def respond(self, content: bytes) -> None:
        """Send the answer with this JSON as its content."""
        await self._send(self.answer._replace(content=content))

    async def refuse(self, error: Exception) -> None:
        """Send the problem of an exception in place of the answer."""
        request_id = self.answer.header("x-request-id")
        problem = to_problem(error, request_id)
        REFUSALS.add(problem.code)
        answer = self.answer.with_headers([("content-type", CONTENT_TYPE), *problem.headers().items()])
        content = orjson.dumps(problem.as_dict(request_id))
        await self._send(answer._replace(status=problem.status, content=content))

    async def _send(self, answer: Answer) -> None:
        self.call.status = answer.status
        self.call.end()
        await send_answer(answer, self.send)


Finish = Callable[[Exchange], Awaitable[None]]


class DeferredResponse(HttpResponse):
    """A response of which the view makes only the headers; `finish` sends it, without a thread while it waits."""

    def __init__(self, finish: Finish, content_type: str) -> None:
        super().__init__(content_type=content_type)
        self.finish = finish


async def send_answer(answer: Answer, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Send the answer to the server in pieces: each waits until the client has read nearly all before it."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    end = max(len(answer.content), 1)
    for start in range(0, end, PIECE_BYTES):
        piece, is_last = answer.content[start : start + PIECE_BYTES], start + PIECE_BYTES >= end
        await send({"type": "http.response.body", "body": piece, "more_body": not is_last})
