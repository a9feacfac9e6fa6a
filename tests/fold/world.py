"""The users of every story: Alice owns the room, Dora is admin, Bob a member, Eve a former member, Charlie none."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tests.fold.state import JSON
from tests.servers import ParleyServer
from tests.sockets import Account, Socket, join_parley

NAMES = ("alice", "bob", "dora", "charlie", "eve")


@dataclass
class World:
    """The users, their room and its messages. `made` has the endpoints and actions that the story has used."""

    people: dict[str, Account]
    room: JSON
    messages: dict[str, JSON] = field(default_factory=dict)
    sockets: dict[str, Socket] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)  # the users that deleted their account

    @property
    def alice(self) -> Account:
        return self.people["alice"]

    @property
    def bob(self) -> Account:
        return self.people["bob"]

    @property
    def dora(self) -> Account:
        return self.people["dora"]

    @property
    def charlie(self) -> Account:
        return self.people["charlie"]

    @property
    def eve(self) -> Account:
        return self.people["eve"]

    async def rest(self, who: Account, write: str, body: object = None, **ids: Any) -> Any:
        """Send a request by its name in the URL map, and return its result. The default room is the story's."""
        method, _, path = write.partition(" ")
        response = await who.request(method, "/v1/" + path.format(**{"room_id": self.room["id"], **ids}), body)
        assert response.status_code < 300, response.text
        self.made.add(write)
        return response.json() if response.content else None

    async def act(self, who: Account, action: str, **body: Any) -> Any:
        """Perform an action, and return its result. The default room is the story's; None: it names no room."""
        socket = self.sockets.get(who.id)
        if socket is None:
            socket = self.sockets[who.id] = await who.connect()
        fields = {"room_id": self.room["id"], **body}
        reply = await socket.call(action, **{name: value for name, value in fields.items() if value is not None})
        assert reply.status < 300, reply.frame
        self.made.add(action)
        return reply.data

    async def post_message(self, who: Account, text: str, **more: Any) -> JSON:
        """Send a message that is not itself the subject of the story."""
        response = await who.post(f"/v1/rooms/{self.room['id']}/messages", new_message(text, **more))
        assert response.status_code == 201, response.text
        message: JSON = response.json()
        return message


def new_message(text: str, **more: Any) -> JSON:
    """The body of a send."""
    return {"client_id": uuid4().hex, "text": text, **more}


async def make_world(
    servers: dict[str, ParleyServer], http: httpx.AsyncClient, stack: AsyncExitStack, **room: Any
) -> World:
    """Create a room with messages of all members, and remove Eve, who keeps her subscription."""
    people = {name: await join_parley(servers[name], http, stack, name) for name in NAMES}
    alice, bob, dora, eve = (people[name] for name in ("alice", "bob", "dora", "eve"))
    world = World(people, await alice.make_room(bob, dora, eve, **room))
    path = f"/v1/rooms/{world.room['id']}"
    assert (await alice.put(f"{path}/members/{dora.id}", {"role": "admin"})).status_code == 200
    for name in ("alice", "bob", "eve", "dora"):
        world.messages[name] = await world.post_message(people[name], f"{name} was here")
    world.sockets["eve's"] = await eve.listen(None, world.room)
    assert (await alice.delete(f"{path}/members/{eve.id}")).status_code == 204
    await world.sockets["eve's"].next_event("member.removed")
    await world.sockets["eve's"].next_event("room.removed")
    world.messages["newest"] = await world.post_message(alice, "without Eve")
    return world
