"""One case while it runs: a server, a proxy, people, and the client under test, which is Alice's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from clients.conformance.faults import Json, Rule
from clients.conformance.people import Person
from clients.conformance.program import Program
from clients.conformance.proxy import FaultProxy
from tests.servers import ParleyServer

POLL_SECONDS = 0.05  # at first, and longer and longer
MAX_POLL_SECONDS = 0.5


class Failed(Exception):
    """The client did not do what the case demands."""


class Story:
    """Everything that a case is written with. Alice has the client under test; Bob uses REST in her room."""

    def __init__(self, server: ParleyServer, program: Callable[[], Program], folder: Path, patience: float) -> None:
        self.server, self.make_program, self.folder, self.patience = server, program, folder, patience
        self.http = httpx.AsyncClient(trust_env=False, timeout=60)
        self.proxy = FaultProxy("client", server.port)
        self.alice, self.bob = (Person(self.http, server.url, name) for name in ("alice", "bob"))
        self.program = program()
        self.programs = [self.program]
        self.room = ""
        self.state: Json = {}
        self._later: list[Callable[[], Awaitable[object]]] = []

    async def __aenter__(self) -> Story:
        await self.proxy.start()
        await self.alice.register()
        await self.bob.register()
        self.room = await self.alice.make_room(self.bob)
        return self

    async def __aexit__(self, *exception: object) -> None:
        for end in self._later:
            await end()
        for program in self.programs:
            await program.kill()
        await self.proxy.stop()
        await self.http.aclose()

    def later(self, end: Callable[[], Awaitable[object]]) -> None:
        """Call this when the case ends."""
        self._later.append(end)

    # The client

    async def launch(self, *, most_bytes: int | None = None) -> None:
        """Start the program, without a connection yet."""
        await self.program.launch(most_bytes=most_bytes)

    async def start(self, person: Person | None = None, *, wait: bool = True, most_bytes: int | None = None) -> None:
        """Start the program as this person's and, unless told otherwise, wait until it is live."""
        if not hasattr(self.program, "process"):
            await self.launch(most_bytes=most_bytes)
        person = person or self.alice
        await self.program.ask(
            "start",
            url=self.proxy.url,
            token=person.token,
            user=person.id,
            room=self.room,
            store=str(self.folder / "store"),
        )
        if wait:
            await self.until(lambda: self.state["status"] == "live", "not live")

    async def reload(self, *, wait: bool = True, person: Person | None = None) -> None:
        """Kill the program and start another one on the same store."""
        await self.program.kill()
        self.program = self.make_program()
        self.programs.append(self.program)
        await self.start(person, wait=wait)

    async def send(self, *texts: str, room: str | None = None) -> None:
        """Write messages in the client."""
        for text in texts:
            await self.program.ask("send", room=room or self.room, text=text)

    async def ask(self, do: str, **fields: Any) -> Any:
        """Another command, about the room unless another is named."""
        return await self.program.ask(do, **{"room": self.room, **fields})

    async def look(self) -> Json:
        """The state of the client now."""
        self.state = await self.program.ask("state")
        return self.state

    def seen(self, room: str | None = None) -> Json:
        """The room in the last state; empty when the client does not have it."""
        found: Json = self.state.get("rooms", {}).get(room or self.room) or {}
        return found

    def texts(self, room: str | None = None) -> list[str]:
        """The texts that the client showed in its last state."""
        return [each["text"] for each in self.seen(room).get("messages", ())]

    def unsent(self) -> list[str]:
        """The texts in the last state that the client has still to send."""
        return [each["text"] for each in self.seen().get("unsent", ()) if not each.get("refused")]

    # Waiting

    async def turns(self) -> AsyncIterator[None]:
        """Yield with longer and longer pauses, for as long as the patience of the run lasts."""
        deadline, pause = time.monotonic() + self.patience, POLL_SECONDS
        while time.monotonic() < deadline:
            yield
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, MAX_POLL_SECONDS)

    async def until(self, holds: Callable[[], object], what: str) -> None:
        """Look at the client until this holds. Raises Failed after the patience of the run."""
        async for _ in self.turns():
            await self.look()
            if holds():
                return
        raise Failed(f"{what} (status {self.state.get('status')}, ended {self.state.get('ended')})")

    async def wait(self, holds: Callable[[], object], what: str) -> None:
        """Wait for something at the proxy, without a look at the client."""
        async for _ in self.turns():
            if holds():
                return
        raise Failed(what)

    async def wait_for(self, holds: Callable[[], Awaitable[object]], what: str) -> None:
        """Wait for something at the server."""
        async for _ in self.turns():
            if await holds():
                return
        raise Failed(what)

    # Verdicts

    async def settle(self, *texts: str, room: str | None = None) -> list[Json]:
        """Wait until the client shows the log of the room, nothing is unsent, and these are its texts, if given."""
        room = room or self.room
        difference = ""
        async for _ in self.turns():
            history = await self.alice.history(room)
            await self.look()
            difference = self._difference(history, room)
            said = [each["text"] for each in history]
            if not difference and texts and said != list(texts):
                difference = f"the log has {said}, not {list(texts)}"
            if not difference:
                return history
        raise Failed(f"{difference} (status {self.state.get('status')}, ended {self.state.get('ended')})")

    def _difference(self, history: list[Json], room: str) -> str:
        """The first thing in which the client differs from the log."""
        if self.unsent():
            return f"still unsent: {self.unsent()}"
        held = self.seen(room).get("messages", [])
        ids, wanted = [each["id"] for each in held], [each["id"] for each in history]
        if len(ids) != len(set(ids)):
            return f"a message is shown twice: {self.texts(room)}"
        if ids != wanted:
            return f"it shows {brief(held)}, and the log has {brief(history)}"
        for mine, real in zip(held, history, strict=True):
            wrong = {key: (mine.get(key), value) for key, value in real.items() if not contains(mine.get(key), value)}
            if wrong:
                return f"message {real['seq']} differs (shown, real): {wrong}"
        return ""

    async def expect_ended(self, *, login: bool | None = None) -> None:
        """Wait until the client has ended; another connection meanwhile fails at once."""
        attempts = len(self.proxy.attempts)
        async for _ in self.turns():
            if (await self.look())["status"] == "ended" or len(self.proxy.attempts) > attempts:
                break
        demand(self.state["status"] == "ended", f"not ended, but {self.state['status']}")
        demand(len(self.proxy.attempts) == attempts, "it has connected again after a final close code")
        ended = self.state["ended"]
        if login is not None and "login" in ended:
            demand(ended["login"] is login, f"login should be {login}: {ended}")

    def check_always(self) -> None:
        """Demand what holds in every case: no token in an address, and nothing is sent before hello."""
        for target in self.proxy.targets:
            for person in (self.alice, self.bob):
                demand(person.token not in target, "the token is in an address")
        greeted: set[int] = set()
        for each in self.proxy.log:
            if each.frame.get("action") == "hello" and each.kind == "push":
                greeted.add(each.line)
            elif each.kind == "request" and each.line not in greeted:
                demand(each.frame.get("action") == "authenticate", f"sent before hello: {each.frame}")

    def rule(self, rule: Rule) -> Rule:
        """Put a fault in force."""
        return self.proxy.add(rule)

    def pushed(self, kind: str) -> bool:
        """Return whether an event of this type has come from the server."""
        frames = [each.frame for each in self.proxy.log if each.kind == "push" and each.frame.get("action") == "events"]
        return any(event["type"] == kind for frame in frames for event in frame["data"])

    def replies(self, action: str) -> int:
        """The number of replies to this action that the server has given."""
        return sum(each.kind == "reply" and each.frame.get("action") == action for each in self.proxy.log)


def demand(condition: object, what: str) -> None:
    """Raise Failed unless the condition holds."""
    if not condition:
        raise Failed(what)


def contains(shown: Any, real: Any) -> bool:
    """Return whether a value has everything of the real one; objects may have more fields."""
    if isinstance(real, dict):
        return isinstance(shown, dict) and all(key in shown and contains(shown[key], real[key]) for key in real)
    if isinstance(real, list):
        return isinstance(shown, list) and len(shown) == len(real) and all(map(contains, shown, real))
    return bool(shown == real)


def brief(messages: list[Json]) -> str:
    """The texts of messages, shortened for a report."""
    texts = [str(each["text"])[:20] for each in messages]
    return str(texts if len(texts) <= 30 else [*texts[:10], f"... {len(texts)} in all ...", *texts[-10:]])
