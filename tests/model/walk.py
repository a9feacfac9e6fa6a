"""A random walk of four users through one room: each answer and each view is compared with the model of the rules."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from django.db.models.functions import Now
from django.utils import timezone

from api.services import receipts
from realtime.models import PresenceProcess
from realtime.presence import leases
from realtime.presence.states import Lease, State
from tests.api.stories import events_of, make_room
from tests.clients import Person
from tests.fold.state import Room, differences
from tests.model.room import Message, RoomModel

KEYS = (":tea:", ":+1:", "\u2764\ufe0f")
STEPS = 130
DEAD_SECONDS = 31.0  # of a process that renewed nothing for so long nobody is online
WEIGHTS = {
    "send": 30,
    "retry": 6,
    "reply": 14,
    "edit": 12,
    "delete": 5,
    "react": 24,
    "stream": 8,
    "append": 20,
    "finish": 5,
    "read": 8,
    "ack": 12,
    "ban": 5,
    "unban": 6,
    "mute": 5,
    "unmute": 6,
    "invite": 8,
    "withdraw": 2,
    "decline": 2,
    "join": 20,
    "leave": 6,
    "add": 10,
    "link": 4,
    "join_by_link": 10,
    "block": 5,
    "unblock": 5,
    "set_rules": 5,
    "move_presence": 8,
    "watch": 8,
    "look": 24,
    "fold": 4,
}


class Difference(AssertionError):
    """The server and the model disagree; `what` is the action or the part of a view."""

    def __init__(self, what: str, found: object, expected: object, trace: list[str]) -> None:
        super().__init__("\n".join([f"{what}: {found}, and not {expected}", *trace]))
        self.what = what


class Walk:
    """The first of the people owns the room and is never refused. `often` are actions that a planted bug needs."""

    def __init__(self, people: list[Person], seed: int, often: tuple[str, ...] = ()) -> None:
        self.random = Random(seed)
        self.by_id = {str(person.user.id): person for person in people}
        self.ids = list(self.by_id)
        self.owner = self.ids[0]
        self.weights = {name: weight * (15 if name in often else 1) for name, weight in WEIGHTS.items()}
        kind = self.random.choice(["private", "public"])
        self.room = make_room(people[0], kind=kind, members=people[1:3], history="shared")
        self.model = RoomModel(self.owner, kind == "public", set(self.ids[:3]), {self.owner})
        self.model.read = dict.fromkeys(self.ids[:3], 1)
        self.bodies: dict[str, tuple[dict[str, Any], str]] = {}  # the last send of each user, and its message
        self.leases: dict[tuple[UUID, str], State] = {}
        self.processes = [uuid4(), uuid4()]
        self.version = 0
        self.folded: Room | None = None  # the owner's view, from the events alone
        self.trace: list[str] = []

    def go(self, steps: int = STEPS) -> None:
        """Walk. Raises Difference."""
        for _ in range(steps):
            [name] = self.random.choices(list(self.weights), list(self.weights.values()))
            getattr(self, f"_{name}")()
        for user in self.ids:
            self._look_as(user)
        self._compare_folded()

    def _ask(self, user: str, method: str, path: str, body: object = None, **query: Any) -> Any:
        where = f"/v1{path}" if path.startswith("/") else f"/v1/rooms/{self.room['id']}/{path}".rstrip("/")
        response = self.by_id[user].request(method, where, body, query=query)
        self.trace.append(f"{self.ids.index(user)} {method} {path} {body or ''}: {response.status_code}")
        return response

    def _same(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            raise Difference(what, found, expected, self.trace[-8:])

    def _judge(self, what: str, response: Any, problem: str | None) -> bool:
        """Compare the problem of an answer; return whether there is none."""
        found = response.json()["code"] if response.status_code >= 400 else None
        self._same(what, found, problem)
        return problem is None

    def _head(self) -> int:
        return int(self._ask(self.owner, "GET", "").json()["head"])

    def _user(self) -> str:
        return self.random.choice(self.ids)

    def _guest(self) -> str:
        return self.random.choice(self.ids[1:])

    def _message(self) -> Message | None:
        recent = list(self.model.messages.values())[-12:]
        return self.random.choice(recent) if recent else None

    def _streamed(self) -> Message | None:
        streamed = [message for message in self.model.messages.values() if message.is_streamed]
        return self.random.choice(streamed[-3:]) if streamed else None

    # Messages

    def _send(self, root: str | None = None, *, streaming: bool = False) -> None:
        user = self._user()
        body: dict[str, Any] = {"client_id": uuid4().hex, "text": f"t{len(self.trace)}"}
        if root is not None:
            body |= {"thread_root": root, "in_room": self.random.random() < 0.3}
        if streaming:
            body["streaming"] = True
        response = self._ask(user, "POST", "messages", body)
        if self._judge("send", response, self.model.refuse_send(user, root)):
            sent = response.json()
            in_room = sent["in_room"]
            message = Message(sent["id"], sent["seq"], user, body["text"], root, in_room, streaming, streaming)
            self.model.sent(message)
            self.bodies[user] = body, sent["id"]

    def _retry(self) -> None:
        """A retry is answered whatever has become of its sender."""
        if self.bodies:
            user = self.random.choice(list(self.bodies))
            body, message_id = self.bodies[user]
            response = self._ask(user, "POST", "messages", body)
            self._same("retry", (response.status_code, response.json().get("id")), (200, message_id))

    def _reply(self) -> None:
        if message := self._message():
            self._send(message.root if message.root and self.random.random() < 0.9 else message.id)

    def _stream(self) -> None:
        self._send(streaming=True)

    def _edit(self) -> None:
        if message := self._message():
            text = f"e{len(self.trace)}"
            response = self._ask(message.sender, "PATCH", f"messages/{message.id}", {"text": text})
            self._judge("edit", response, self.model.edit(message, text))

    def _delete(self) -> None:
        if message := self._message():
            user = self.random.choice([message.sender, self.owner])
            response = self._ask(user, "DELETE", f"messages/{message.id}")
            self._judge("delete", response, self.model.delete(user, message))

    def _react(self) -> None:
        if message := self._message():
            user, key, on = self._user(), self.random.choice(KEYS), self.random.random() < 0.7
            for _ in range(self.random.choice((1, 1, 2))):
                path = f"messages/{message.id}/reactions/{quote(key)}"
                response = self._ask(user, "PUT" if on else "DELETE", path)
                if self._judge("react", response, self.model.react(user, message, key, on=on)):
                    self._same("reaction", _shape(response.json()), self.model.shape(user, message))

    def _append(self) -> None:
        if message := self._streamed():
            end = len(message.text)
            offset = self.random.choice((end, end, max(0, end - 3), end + 2))
            text = self.random.choice((f"+{len(self.trace)}", message.text[offset : offset + 3] or "+"))
            body = {"offset": offset, "text": text}
            response = self._ask(message.sender, "POST", f"messages/{message.id}/append", body)
            if self._judge("append", response, self.model.append(message, offset, text)):
                self._same("text", response.json()["text"], message.text)

    def _finish(self) -> None:
        if message := self._streamed():
            response = self._ask(message.sender, "POST", f"messages/{message.id}/finish", {})
            self._judge("finish", response, self.model.finish(message))

    def _read(self) -> None:
        user, message = self._user(), self._message()
        if message is not None:
            response = self._ask(user, "POST", "read", {"seq": message.seq})
            if self._judge("read", response, self.model.outside(user)):
                self.model.read[user] = max(self.model.read[user], message.seq)
                self._same("marker", response.json()["read_seq"], self.model.read[user])

    def _ack(self) -> None:
        user, message = self._user(), self._message()
        if message is not None:
            self._judge("ack", self._ask(user, "POST", "/ack", {"rooms": {self.room["id"]: message.seq}}), None)
            receipts.write_markers()
            self.model.acknowledge(user, message.seq)

    # Members

    def _ban(self) -> None:
        user = self._guest()
        self._judge("ban", self._ask(self.owner, "PUT", f"bans/{user}"), None)
        self.model.ban(user)

    def _unban(self) -> None:
        user = self._guest()
        self._judge("unban", self._ask(self.owner, "DELETE", f"bans/{user}"), None)
        self.model.bans.discard(user)

    def _mute(self) -> None:
        user = self._guest()
        self._judge("mute", self._ask(self.owner, "PUT", f"mutes/{user}"), self.model.mute(user))

    def _unmute(self) -> None:
        user = self._guest()
        self._judge("unmute", self._ask(self.owner, "DELETE", f"mutes/{user}"), None)
        self.model.mutes.discard(user)

    def _invite(self) -> None:
        user = self._guest()
        self._judge("invite", self._ask(self.owner, "PUT", f"invites/{user}"), self.model.invite(user))

    def _withdraw(self) -> None:
        user = self._guest()
        self._judge("withdraw", self._ask(self.owner, "DELETE", f"invites/{user}"), None)
        self.model.invited.discard(user)

    def _decline(self) -> None:
        user = self._guest()
        self._judge("decline", self._ask(user, "POST", "decline"), self.model.decline(user))

    def _join(self) -> None:
        user = self._guest()
        response, was_invited = self._ask(user, "POST", "join"), user in self.model.invited
        if self._judge("join", response, self.model.join(user, self._joined_seq(response))) and was_invited:
            self._same("invites", self._ask(user, "GET", "/me/invites").json()["results"], [])

    def _leave(self) -> None:
        user = self._guest()
        if self._judge("leave", self._ask(user, "POST", "leave"), self.model.outside(user)):
            self.model.members.discard(user)

    def _add(self) -> None:
        user = self._guest()
        response = self._ask(self.owner, "PUT", f"members/{user}")
        self._judge("add", response, self.model.add(user, self._head()))

    def _link(self) -> None:
        max_uses = self.random.choice((1, 1, 2))
        response = self._ask(self.owner, "POST", "links", {"max_uses": max_uses})
        self.model.add_link(response.json()["code"], max_uses)

    def _join_by_link(self) -> None:
        if self.model.links:
            user, code = self._guest(), self.random.choice(list(self.model.links)[-2:])
            response = self._ask(user, "POST", f"/links/{code}/join")
            problem = self.model.join_by_link(user, code, self._joined_seq(response))
            self._judge("join by link", response, problem)

    @staticmethod
    def _joined_seq(response: Any) -> int:
        return int(response.json()["me"]["read_seq"]) if response.status_code == 200 else 0

    def _set_rules(self) -> None:
        posting, slow = self.random.random() < 0.3, self.random.random() < 0.3
        body = {"posting": "admins" if posting else "everyone", "slow_mode_seconds": 600 * slow}
        self._judge("rules", self._ask(self.owner, "PATCH", "", body), None)
        self.model.only_admins_post, self.model.is_slow = posting, slow

    # People

    def _block(self) -> None:
        user, other = self.random.sample(self.ids, 2)
        self._judge("block", self._ask(user, "PUT", f"/me/blocks/{other}"), None)
        self.model.blocks.add((user, other))

    def _unblock(self) -> None:
        user, other = self.random.choice(sorted(self.model.blocks) or [(self.ids[0], self.ids[1])])
        self._judge("unblock", self._ask(user, "DELETE", f"/me/blocks/{other}"), None)
        self.model.blocks.discard((user, other))

    def _move_presence(self) -> None:
        """A process writes that a user is online or not, or it dies, and another takes its place."""
        place, user = self.random.randrange(2), self._user()
        process = self.processes[place]
        if self.random.random() < 0.3:
            dead = PresenceProcess.objects.filter(pk=process)
            dead.update(renewed_at=Now() - timedelta(seconds=DEAD_SECONDS))
            self.leases = {key: state for key, state in self.leases.items() if key[0] != process}
            self.processes[place] = uuid4()
            return
        self.version += 1
        state = self.random.choice((State.ONLINE, State.ONLINE, State.OFFLINE))
        leases.renew(process)
        leases.write(process, [Lease(process, UUID(user), state, timezone.now(), self.version)])
        self.leases[process, user] = state

    def _watch(self) -> None:
        viewer, user = self._user(), self._user()
        is_online = State.ONLINE in {state for (_, each), state in self.leases.items() if each == user}
        is_seen = viewer == user or self.model.sees_presence(viewer, user)
        [state] = self._ask(viewer, "POST", "/presence/watch", {"user_ids": [user]}).json()["states"]
        self._same("presence", state["state"], "online" if is_online and is_seen else "offline")

    # Views

    def _look(self) -> None:
        self._look_as(self._user())

    def _look_as(self, viewer: str) -> None:
        model = self.model
        response = self._ask(viewer, "GET", "messages", limit=100)
        if self._judge("page", response, model.outside(viewer)):
            shown = [_shape(message) for message in response.json()["results"]]
            self._same("page", shown, model.page(viewer)[-100:])
            me = self._ask(viewer, "GET", "").json()["me"]
            self._same("unread", (me["unread"], me["read_seq"]), (model.unread(viewer), model.read[viewer]))
        invites = self._ask(viewer, "GET", "/me/invites").json()["results"]
        self._same("invites", len(invites), int(viewer in model.invited))
        members = self._ask(self.owner, "GET", "members").json()["results"]
        delivered = {member["user"]["id"]: member["delivered_seq"] for member in members}
        self._same("members", delivered, {user: model.delivered.get(user, 0) for user in model.members})

    def _fold(self) -> Room:
        """Fold the new events of the room by the merge rule: each partial event fits."""
        events = iter(events_of(self.room, after=self.folded.head if self.folded else 0))
        folded = self.folded = self.folded or Room.created(self.owner, next(events))
        for event in events:
            folded.apply(event)
        self._same("stale", folded.stale, False)
        return folded

    def _compare_folded(self) -> None:
        """The events of the room, folded, are what REST shows to the owner."""
        folded = self._fold()
        for user in self.ids[1:]:
            if (self.owner, user) in self.model.blocks:
                folded.hide(user)
        seen = []
        for message in sorted(self.model.messages.values(), key=lambda one: one.seq):
            shown = self._ask(self.owner, "GET", f"messages/{message.id}").json()
            shown.pop("mine", None)
            if message.streaming:
                folded.messages[message.id]["text"] = shown["text"]
            seen.append(shown)
        self._same("fold", differences(folded.view()["messages"], seen), [])


def _shape(message: Any) -> dict[str, object]:
    """The part of a Message that the model has."""
    thread = message["thread"]
    return {
        "id": message["id"],
        "text": message["text"],
        "blocked": message["blocked"],
        "streaming": message["streaming"],
        "replies": thread["reply_count"] if thread else 0,
        "reactions": [[each["key"], each["count"], each["user_ids"]] for each in message["reactions"]],
    }
