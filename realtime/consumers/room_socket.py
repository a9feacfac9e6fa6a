"""/ws/chat/{slug}/, the simplest client there is: one socket, one room, named in the path."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import orjson

from accounts.models import Session
from api.serializers.messages import SendMessageBody
from api.services import messages
from api.services.rooms import room_for_slug
from realtime.close_codes import CloseCode
from realtime.consumers.actions import acting
from realtime.consumers.connection import Connection
from realtime.consumers.frames import Request
from realtime.database import write_for
from realtime.feed import EventBatch, Feed, Subscription
from realtime.send_queue import SendQueue
from wire import strict_json
from wire.fields import validate
from wire.problems import Problem, to_problem


class MessageSink:
    """Passes on new messages only, in the form of the one-room socket."""

    def __init__(self, outbox: SendQueue) -> None:
        self._outbox = outbox

    @property
    def full(self) -> bool:
        """Return whether the outbox is full."""
        return self._outbox.full

    async def room(self) -> None:
        """Wait until the outbox has room."""
        await self._outbox.room()

    def give(self, run: EventBatch) -> None:
        """One frame a message."""
        for entry in run.entries:
            if entry.type == "message.created":
                data = orjson.loads(entry.json)["data"]
                said = {"message": data["text"], "sender": data["sender"]["username"], "seq": data["seq"]}
                self._outbox.put({"type": "websocket.send", "text": strict_json.dumps(said).decode()})


class RoomSocketConsumer(Connection):
    """One room's messages, in and out; the room is made and joined on the way in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.room_id: UUID | None = None
        self.entered = asyncio.Event()
        self.listening: tuple[Feed, Subscription] | None = None

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """The server says no goodbye here either."""
        if extension := self.scope.get("extensions", {}).get("parley"):
            extension["goodbye"] = lambda *_: None
        await super().websocket_connect(message)

    def refuse(self, problem: Problem) -> None:
        """The door's one way to say no."""
        self.put({"error": problem.as_dict(None)})

    def greet(self, session: Session, epoch: int) -> None:
        """No hello: go in."""
        self.spawn(self._go_in(session))

    async def _go_in(self, session: Session) -> None:
        try:
            slug = self.scope["url_route"]["kwargs"]["slug"]
            room = await write_for(session.user_id, slug, partial(room_for_slug, session=session, slug=slug))
            self.room_id = UUID(str(room["id"]))
            opened = await self.hub.open(session.user_id, self.room_id, None, None, MessageSink(self.outbox))
        except Exception as error:
            problem = to_problem(error)
            self.refuse(problem)
            # A refusal is for good; a failure of ours, or of the database, is worth another try.
            codes = {"internal": CloseCode.INTERNAL, "unavailable": CloseCode.TRY_AGAIN_LATER}
            self.end(codes.get(problem.code, CloseCode.ROOM_REFUSED), problem.code)
            return
        if not self.closing:
            self.listening = (opened.feed, opened.subscription)
            self.hub.begin(opened, synced=False)
            self.entered.set()

    async def answer(self, request: Request) -> None:
        """A message for the room; or, before the token, the authenticate action as on the other socket."""
        if self.session is None and "message" in request.body:
            request.problem = Problem("auth.required", "Send authenticate first.")
        if self.session is None or (request.action is not None and request.problem is None):
            await super().answer(request)
            return
        if self.closing:
            return
        try:
            await self._say(request)
        except Exception as error:
            await self.handle_exception(error, None, None)

    async def _say(self, request: Request) -> None:
        if request.problem is not None and request.problem.code != "frame.invalid":
            raise request.problem
        fields = dict(request.body)
        if set(fields) != {"message"}:
            raise Problem("frame.invalid", 'Say {"message": "..."}.')
        body = validate(SendMessageBody, {"client_id": uuid4().hex, "text": fields["message"]})
        await self.entered.wait()  # the classic client speaks as soon as it is connected
        assert self.room_id is not None
        await messages.asend_message(session=acting(self.session), room_id=self.room_id, **body)

    async def reply(
        self, action: str | None, data: Any = None, errors: Any = None, status: int = 200, request_id: Any = None
    ) -> None:
        """A problem is the only answer; what was said comes back as everybody hears it."""
        for problem in errors or []:
            self.put({"error": problem})

    def say_goodbye(self, code: CloseCode, reason: str, retry_after_ms: int | None) -> None:
        """The classic client knows no goodbye: the close says it all."""

    def clean_up(self) -> None:
        super().clean_up()
        if self.listening is not None:
            self.hub.end(*self.listening)
