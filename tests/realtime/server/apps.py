"""Five-line ASGI applications, served by a process of their own for the tests of the server; the path names one."""

from __future__ import annotations

import asyncio
import json
import os
import sys

from realtime.server import Application, Limits, serve
from realtime.server.types import Message, Receive, Scope, Send

APPS: dict[str, Application] = {}


def app(function: Application) -> Application:
    APPS[f"/{function.__name__}"] = function
    return function


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    await APPS.get(scope["path"], upload)(scope, receive, send)


def report(scope: Scope, message: Message) -> None:
    """Write a line with the query string of the connection, for which the test waits."""
    print(json.dumps({"tag": scope["query_string"].decode(), **message}), flush=True)


async def accept(receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})


async def report_the_end(scope: Scope, receive: Receive) -> None:
    frames = 0
    while (message := await receive())["type"] == "websocket.receive":
        frames += 1
    report(scope, {**message, "frames": frames})


@app
async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(receive, send)
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})
    report(scope, message)


@app
async def describe(scope: Scope, receive: Receive, send: Send) -> None:
    """Choose the first subprotocol, send the scope, close with a code and a long reason."""
    await receive()
    headers = [(b"x-one", b"1"), (b"x-one", b"2")]
    await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0], "headers": headers})
    told = {key: scope[key] for key in ("client", "path", "root_path", "subprotocols", "scheme", "asgi")}
    told["extension"] = sorted(scope["extensions"]["parley"])
    told |= {"query": scope["query_string"].decode(), "raw_path": scope["raw_path"].decode()}
    told["headers"] = sorted([name.decode(), value.decode("latin-1")] for name, value in scope["headers"])
    await send({"type": "websocket.send", "text": json.dumps(told)})
    await send({"type": "websocket.close", "code": 1013, "reason": "ü" * 100})
    report(scope, await receive())


@app
async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 4401})


@app
async def denies(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuses the handshake with an answer of its own."""
    await receive()
    await send({"type": "websocket.http.response.start", "status": 404, "headers": [(b"x-one", b"1")]})
    await send({"type": "websocket.http.response.body", "body": b"in two ", "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"parts"})
    await receive()


@app
async def undecided(scope: Scope, receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        pass
    report(scope, message)


@app
async def returns(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(receive, send)


@app
async def leaves(scope: Scope, receive: Receive, send: Send) -> None:
    """Closes, and gives the client little time to answer."""
    await accept(receive, send)
    await send({"type": "websocket.close", "code": 4408, "close_timeout": 0.1})
    await receive()


@app
async def raises(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(receive, send)
    raise RuntimeError("raised on purpose")


@app
async def sleeps(scope: Scope, receive: Receive, send: Send) -> None:
    """Never reads its input, and reports its cancellation."""
    await accept(receive, send)
    try:
        await asyncio.sleep(60)
    finally:
        report(scope, {"type": "cancelled"})


@app
async def large(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(receive, send)
    await send({"type": "websocket.send", "text": "x" * 1024 * 1024})
    await send({"type": "websocket.send", "text": ""})
    await receive()


@app
async def sends(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends for ever with await, and reads its input meanwhile."""
    await accept(receive, send)
    end = asyncio.ensure_future(report_the_end(scope, receive))
    try:
        while True:
            await send({"type": "websocket.send", "text": "x" * 10_000})
            await asyncio.sleep(0)
    finally:
        await end


@app
async def writes(scope: Scope, receive: Receive, send: Send) -> None:
    """Writes for ever without await, in the manner of the hub: looks at the backlog, and drains."""
    await accept(receive, send)
    end = asyncio.ensure_future(report_the_end(scope, receive))
    parley = scope["extensions"]["parley"]
    message = {"type": "websocket.send", "text": "x" * 10_000}
    try:
        while parley["write"](message):
            if parley["backlog"]() > 200_000:
                await parley["drain"]()
            await asyncio.sleep(0)
    finally:
        await end


@app
async def shares(scope: Scope, receive: Receive, send: Send) -> None:
    """Hands one message object to write and to send; reports whether the frame was built once."""
    await accept(receive, send)
    message = {"type": "websocket.send", "text": "grüße"}
    scope["extensions"]["parley"]["write"](message)
    frame = message["_frame"]
    await send(message)
    report(scope, {"type": "shared", "once": message["_frame"] is frame})
    await report_the_end(scope, receive)
    report(scope, {"type": "late", "written": scope["extensions"]["parley"]["write"](message)})


@app
async def floods(scope: Scope, receive: Receive, send: Send) -> None:
    """Never looks at the backlog."""
    await accept(receive, send)
    while scope["extensions"]["parley"]["write"]({"type": "websocket.send", "text": "x" * 100_000}):
        pass
    await report_the_end(scope, receive)


@app
async def aborts(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(receive, send)
    scope["extensions"]["parley"]["abort"]()
    await report_the_end(scope, receive)


@app
async def listens(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(receive, send)
    await report_the_end(scope, receive)


@app
async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """Wants no goodbye, in the manner of another protocol."""
    scope["extensions"]["parley"]["goodbye"] = lambda *_: None
    await accept(receive, send)
    await report_the_end(scope, receive)


async def upload(scope: Scope, receive: Receive, send: Send) -> None:
    """HTTP: answers with the size of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message["body"]), message["more_body"]
    await respond(send, b"%d" % size)


@app
async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    report(scope, {"type": "began"})
    await asyncio.sleep(0.5)
    await respond(send, b"slow")


@app
async def hangs(scope: Scope, receive: Receive, send: Send) -> None:
    report(scope, {"type": "began"})
    await asyncio.sleep(600)


@app
async def download(scope: Scope, receive: Receive, send: Send) -> None:
    """Streams for ever."""
    await send({"type": "http.response.start", "status": 200})
    try:
        while True:
            await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
            await asyncio.sleep(0)
    except ConnectionError as error:
        report(scope, {"type": "cut", "error": type(error).__name__})


@app
async def parts(scope: Scope, receive: Receive, send: Send) -> None:
    """A body in two parts, also for HEAD, as Django sends it."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"20000")]})
    await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
    await send({"type": "http.response.body", "body": b"x" * 10_000})


@app
async def empty(scope: Scope, receive: Receive, send: Send) -> None:
    """A body where the status allows none."""
    await send({"type": "http.response.start", "status": 204})
    await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
    await send({"type": "http.response.body", "body": b"x" * 10_000})


@app
async def tells(scope: Scope, receive: Receive, send: Send) -> None:
    told = {key: scope[key] for key in ("path", "root_path")}
    told["draining"] = scope["extensions"]["parley"]["draining"]
    await respond(send, json.dumps({**told, "headers": [name.decode() for name, _ in scope["headers"]]}).encode())


@app
async def streams(scope: Scope, receive: Receive, send: Send) -> None:
    """A response that goes on: part of it while nothing waits, then as fast as it is read, until the client is gone."""
    stream = scope["extensions"]["parley"]["stream"]()
    await receive()
    gone = asyncio.ensure_future(receive())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first ", "more_body": True})
    await stream["drain"](0)
    written = 1
    assert stream["try_write"](b"second ")
    while stream["try_write"](b"x" * 65_536) and scope["query_string"] != b"":
        written += 1
    report(scope, {"type": "full", "written": written, "backlog": stream["backlog"]()})
    if scope["query_string"] == b"":
        await send({"type": "http.response.body", "body": b"last"})
    report(scope, {**await gone, "after": stream["try_write"](b"late")})


@app
async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("raised on purpose")


async def respond(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def announce() -> None:
    print(json.dumps({"tag": "", "type": "ready"}), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")
    serve(
        application,
        host="",
        port=0,
        fd=int(sys.argv[1]),
        ready=announce,
        on_drain=lambda: print(json.dumps({"tag": "drain", "type": "drain"}), flush=True),
        limits=Limits(**json.loads(sys.argv[2])),
    )
