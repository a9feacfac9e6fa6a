"""The HTTP client of the harness: one request per connection; an answer that never came has no status."""

import asyncio
from typing import Any, NamedTuple

import orjson

REQUEST_SECONDS = 6.0


class Answer(NamedTuple):
    """The outcome of a request. `status` is None when it is unknown whether the request was carried out."""

    status: int | None
    data: Any = None
    text: str = ""

    @property
    def is_unknown(self) -> bool:
        """True when it must be retried; an answer of 5xx may follow a commit too."""
        return self.status is None or self.status >= 500

    @property
    def code(self) -> str | None:
        """The problem's code."""
        return self.data.get("code") if isinstance(self.data, dict) and (self.status or 0) >= 400 else None


async def request(
    port: int, method: str, path: str, *, token: str = "", body: object = None, seconds: float = REQUEST_SECONDS
) -> Answer:
    """One request to a server of this machine; a cut or a timeout is an answer without status."""
    try:
        async with asyncio.timeout(seconds):
            raw = await _exchange(port, render(port, method, path, token, body))
            return _parse(raw)
    except (OSError, TimeoutError, ValueError, IndexError):
        return Answer(None)


def render(port: int, method: str, path: str, token: str, body: object) -> bytes:
    """The bytes of a request whose answer ends with the connection."""
    content = b"" if body is None else orjson.dumps(body)
    lines = [f"{method} /v1/{path} HTTP/1.0", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(content)}"]
    lines += ["Content-Type: application/json"] if content else []
    lines += [f"Authorization: Bearer {token}"] if token else []
    return "\r\n".join([*lines, "", ""]).encode() + content


async def _exchange(port: int, message: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(message)
        return await reader.read(-1)
    finally:
        writer.transport.abort()


def _parse(raw: bytes) -> Answer:
    head, separator, content = raw.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError(raw)
    status = int(head.split(b" ", 2)[1])
    return Answer(status, orjson.loads(content) if content else None, content.decode())
