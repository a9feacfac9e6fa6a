"""parley_client as a client under test: `python clients/python/conformance.py`, started by the kit."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from parley_client import Parley, Room, SqliteStore, TokenReason  # noqa: E402

from clients.conformance.adapter import Adapter  # noqa: E402


class Python(Adapter):
    """One client, with its store in a SQLite file."""

    name = "parley_client (Python)"
    features = (
        "store", "shared_store", "full_store", "rooms", "edit", "older", "unread", "read", "typing", "tokens",
        "refused", "new", "partial", "blocks", "streams",
    )  # fmt: skip

    def do_start(self, *, url: str, token: str, user: str, room: str, store: str) -> None:
        self.tokens: list[str | None] = [token]
        self.reasons: list[str] = []
        self.new: list[str] = []
        self.watched = {room}
        self.parley = Parley(url, self._token, user=user, store=SqliteStore(store), on_message=self._hear)
        self.parley.connect()
        self.loading = asyncio.ensure_future(self.do_watch(room=room))

    def _token(self, reason: TokenReason) -> str | None:
        """The token for a reason: the next one that the kit has given, when the last one is not good any more."""
        self.reasons.append(reason)
        if reason != "start" and len(self.tokens) > 1:
            self.tokens.pop(0)
        if self.tokens[0] == "fails":
            self.tokens.pop(0)
            raise OSError("no network")
        return self.tokens[0]

    def _hear(self, room: Room, message: dict[str, Any]) -> None:
        self.new.append(message["id"])

    def do_tokens(self, *, room: str, tokens: list[str | None]) -> None:
        self.tokens += tokens

    async def do_watch(self, *, room: str) -> None:
        self.watched.add(room)
        self.parley.world.opened.add(room)
        if self.parley.status == "live":
            await self.parley.room(room).load()

    def do_send(self, *, room: str, text: str) -> None:
        self.parley.room(room).send(text)

    async def do_older(self, *, room: str) -> bool:
        return await self.parley.room(room).older()

    async def do_edit(self, *, room: str, message: str, text: str) -> None:
        await self.parley.room(room).edit(message, text)

    async def do_delete(self, *, room: str, message: str) -> None:
        await self.parley.room(room).delete(message)

    async def do_read(self, *, room: str) -> None:
        await self.parley.room(room).read()

    async def do_type(self, *, room: str) -> None:
        await self.parley.room(room).type()

    def do_state(self) -> dict[str, Any]:
        rooms = {each: self._show(self.parley.room(each)) for each in self.watched | self.parley.world.rooms.keys()}
        end = self.parley.end
        return {
            "status": self.parley.status,
            "ended": end and {"code": end.code, "reason": end.reason, "login": end.login},
            "rooms": {key: each for key, each in rooms.items() if each},
            "new": self.new,
            "reasons": self.reasons,
        }

    def _show(self, room: Room) -> dict[str, Any] | None:
        if room.info is None and not room.unsent:
            return None
        unsent = [{**each, "refused": each["refused"] and each["refused"]["code"]} for each in room.unsent]
        return {
            "messages": room.messages if room.id in self.watched else [],
            "unsent": unsent,
            "unread": room.unread,
            "read_seq": room.read_seq,
            "typing": room.typing,
            "info": room.info,
        }


if __name__ == "__main__":
    if "PARLEY_BUG" in os.environ:
        from planted import plant

        plant(os.environ["PARLEY_BUG"])
    asyncio.run(Python().serve())
