"""Bugs to plant in parley_client, by name: each must fail the case of the kit that is about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from parley_client import client, connection, state
from parley_client.errors import Refused
from parley_client.outbox import Outbox
from parley_client.state import RoomState

Json = dict[str, Any]
BUGS: dict[str, str] = {}  # the case that finds each bug
PLANTS: dict[str, Callable[[], None]] = {}


def bug(case: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Declare a bug, by the case that finds it."""

    def declare(planting: Callable[[], None]) -> Callable[[], None]:
        name = planting.__name__.replace("_", "-")
        BUGS[name], PLANTS[name] = case, planting
        return planting

    return declare


def plant(name: str) -> None:
    """Put a bug in the place of what is right. Raises KeyError when there is no such bug."""
    PLANTS[name]()


def replace(owner: Any, name: str, broken: Any) -> None:
    """Set an attribute that exists; raises AttributeError when the package has no such thing any more."""
    getattr(owner, name)
    setattr(owner, name, broken)


@bug("cut-before-the-reply")
def another_client_id() -> None:
    request = connection.Connection.request

    async def broken(self: Any, action: str, body: Json) -> Any:
        if action != "send_message":
            return await request(self, action, body)
        message = await request(
            self, action, {**body, "client_id": f"{body['client_id']}-{len(self.token)}-{id(body)}"}
        )
        return {**message, "client_id": body["client_id"]}

    replace(connection.Connection, "request", broken)


@bug("slow-replies-keep-the-order")
def all_at_once() -> None:
    async def send(self: Any, unsent: Json) -> None:
        body = {key: value for key, value in unsent.items() if key != "refused"}
        message = await self._sender.request("send_message", **body)
        self._sender.sent(message)
        self.acknowledge(message)

    def broken(self: Any) -> None:
        for client_id, unsent in self.records.items() if self._is_open else ():
            if client_id not in self.sending:
                self.sending[client_id] = asyncio.ensure_future(send(self, unsent))

    replace(Outbox, "flush", broken)


@bug("server-fails-for-a-while")
def no_retry() -> None:
    replace(Refused, "is_retryable", property(lambda self: False))


@bug("waits-as-long-as-a-limit-demands")
def impatient() -> None:
    replace(Refused, "retry_after", property(lambda self: 0.1))


@bug("unsent-over-three-reloads")
def unsent_in_memory() -> None:
    replace(client.Parley, "keep", lambda self, client_id, unsent: None)


@bug("two-users-of-one-store")
def one_store_for_all_users() -> None:
    load_unsent = client.Parley._load_unsent

    def broken(self: Any) -> None:
        self._scope = f"{self.url} everybody "
        load_unsent(self)

    replace(client.Parley, "_load_unsent", broken)


@bug("late-reply-undoes-no-edit")
def any_version() -> None:
    replace(RoomState, "_supersedes", lambda self, message, held: True)


@bug("stubs-end-with-a-block")
def newer_versions_only() -> None:
    replace(RoomState, "_supersedes", lambda self, message, held: bool(message["version"] > held["version"]))


@bug("edit-arrives-before-its-page")
def page_over_events() -> None:
    replace(RoomState, "_apply_to_held", lambda self, event, ids: None)


@bug("more-missed-than-a-replay-holds")
def old_messages_stay() -> None:
    replace(RoomState, "clear", lambda self: None)


@bug("waits-as-long-as-the-goodbye-demands")
def goodbye_unread() -> None:
    class Clock:
        @staticmethod
        def monotonic() -> float:
            return float("inf")

    replace(connection, "time", Clock)


@bug("close-4410")
def never_final() -> None:
    replace(connection, "FINAL_CLOSE_CODES", frozenset())


@bug("does-not-hammer")
def no_pause() -> None:
    replace(connection, "LONGEST_PAUSE_SECONDS", 0.0)


@bug("unknown-fields")
def known_fields_only() -> None:
    known = {"id", "room_id", "seq", "version", "sender", "client_id", *state.EMPTY, "created_at", "edited_at"}
    known |= {"deleted_at", "thread_root", "in_room", "thread", "blocked"}
    put = RoomState.put

    def broken(self: Any, message: Json) -> None:
        put(self, {key: value for key, value in message.items() if key in known})

    replace(RoomState, "put", broken)


@bug("unknown-stored-events")
def unknown_events_stop_it() -> None:
    apply = RoomState.apply

    def broken(self: Any, event: Json) -> None:
        if event["type"].split(".")[0] not in ("message", "room", "member", "user", "messages"):
            return  # and the cursor does not move: the next event looks as if there was a hole
        apply(self, event)

    replace(RoomState, "apply", broken)


@bug("each-new-message-is-new-once")
def missed_is_new() -> None:
    pass_on = client.Parley._pass_on

    def broken(self: Any, event: Json, is_live: bool) -> None:
        pass_on(self, event, True)

    replace(client.Parley, "_pass_on", broken)
