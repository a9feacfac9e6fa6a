"""Five-line ASGI applications, each served by a process of its own for the tests of the server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable

import django

from realtime.server import Application, Limits, serve
from realtime.server.types import Message, Receive, Scope, Send

APPS: dict[str, Application] = {}


def app(function: Application) -> Application:
    """Register a websocket application by its name; HTTP requests are answered with the size of their body."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await answer(scope, receive, send)
            return
        await function(scope, receive, send)

    APPS[function.__name__] = application
    return application


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(1)
    if scope["path"] == "/broken":
        raise RuntimeError("broken on purpose")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"%d" % size})


async def accepted(receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})


@app
async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await accepted(receive, send)
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})
    print(json.dumps(message), flush=True)


@app
async def describe(scope: Scope, receive: Receive, send: Send) -> None:
    """Choose the first subprotocol, tell the scope, close with a code and a reason."""
    await receive()
    headers = [(b"x-one", b"1"), (b"x-one", b"2")]
    await send({"type": "websocket.accept", "subprotocol": (scope["subprotocols"] or [None])[0], "headers": headers})
    known = {key: scope[key] for key in ("client", "path", "query_string", "subprotocols", "scheme", "asgi")}
    await send(
        {
            "type": "websocket.send",
            "text": json.dumps(known | {"extensions": list(scope["extensions"]["parley"])}, default=str),
        }
    )
    await send({"type": "websocket.close", "code": 1013, "reason": "ünavailable" * 20})
    print(json.dumps(await receive()), flush=True)


@app
async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 4401})


@app
async def undecided(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(60)


@app
async def returns(scope: Scope, receive: Receive, send: Send) -> None:
    await accepted(receive, send)


@app
async def raises(scope: Scope, receive: Receive, send: Send) -> None:
    await accepted(receive, send)
    await receive()
    raise RuntimeError("raised on purpose")


@app
async def stubborn(scope: Scope, receive: Receive, send: Send) -> None:
    """Never reads its input, and tells when it is cancelled."""
    await accepted(receive, send)
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        print(json.dumps({"type": "cancelled"}), flush=True)
        raise


@app
async def large(scope: Scope, receive: Receive, send: Send) -> None:
    await accepted(receive, send)
    await send({"type": "websocket.send", "text": "x" * 1024 * 1024})
    await send({"type": "websocket.send", "text": ""})
    await receive()


@app
async def firehose(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends for ever by ordinary sends, and reads what comes meanwhile."""
    await accepted(receive, send)
    reader = asyncio.ensure_future(tell_the_end(receive))
    try:
        while True:
            await send({"type": "websocket.send", "text": "x" * 10_000})
            await asyncio.sleep(0)
    except ConnectionError:
        await reader


@app
async def sprinkler(scope: Scope, receive: Receive, send: Send) -> None:
    """Writes without await for as long as the server lets it, in the manner of the hub."""
    await accepted(receive, send)
    parley = scope["extensions"]["parley"]
    message = {"type": "websocket.send", "text": "x" * 10_000}
    try:
        while parley["write"](message):
            if parley["backlog"]() > 200_000:
                await parley["drain"]()
            await asyncio.sleep(0)
    except ConnectionError as error:
        print(json.dumps({"type": "drain", "error": type(error).__name__}), flush=True)
    await tell_the_end(receive)


@app
async def careless(scope: Scope, receive: Receive, send: Send) -> None:
    """Never looks at the backlog."""
    await accepted(receive, send)
    while scope["extensions"]["parley"]["write"]({"type": "websocket.send", "text": "x" * 100_000}):
        pass
    await tell_the_end(receive)


@app
async def aborts(scope: Scope, receive: Receive, send: Send) -> None:
    await accepted(receive, send)
    await receive()
    scope["extensions"]["parley"]["abort"]()
    await tell_the_end(receive)


@app
async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """Closes without a goodbye, in the manner of another protocol."""
    scope["extensions"]["parley"]["goodbye"] = lambda *_: None
    await accepted(receive, send)
    await tell_the_end(receive)


async def tell_the_end(receive: Receive) -> Message:
    while (message := await receive())["type"] == "websocket.receive":
        pass
    print(json.dumps(message), flush=True)
    return message


def main(name: str, fd: str, limits: str) -> None:
    django.setup()
    ready: Callable[[], None] = lambda: print("ready", flush=True)  # noqa: E731
    serve(APPS[name], host="", port=0, fd=int(fd), ready=ready, limits=Limits(**json.loads(limits)))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")
    main(*sys.argv[1:])
