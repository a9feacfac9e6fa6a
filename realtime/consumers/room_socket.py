"""/ws/chat/{slug}/, for the simplest clients: one socket, one room, named in the path."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import orjson

from accounts.models import Session
from api.operations.members import JOIN_ROOM
from api.operations.messages import SEND_MESSAGE
from api.serializers.messages import SendMessageBody
from api.services import messages
from api.services.rooms import room_for_slug
from realtime.close_codes import CloseCode
from realtime.consumers.actions import require_session, take
from realtime.consumers.authenticated import AuthenticatedConsumer
from realtime.consumers.frames import Request
from realtime.database import write_for
from realtime.handles import SubscriptionHandle
from realtime.log_entry import EventBatch
from realtime.replay_plan import plan_replay
from realtime.send_queue import SendQueue
from wire import strict_json
from wire.fields import validate
from wire.limits import is_limit
from wire.problems import Problem, to_problem


class NewMessageSubscriber:
    """Sends new messages of the main line only, in the form of the room socket. Those of blocked users are left out.

    A streamed message is new when it is finished: nothing here could show more of its text later.
    """

    def __init__(self, send_queue: SendQueue) -> None:
        self._send_queue = send_queue

    @property
    def is_full(self) -> bool:
        """Return whether the send queue is full."""
        return self._send_queue.is_full

    async def wait_writable(self) -> None:
        """Wait until the send queue takes events again."""
        await self._send_queue.wait_writable()

    def send_events(self, batch: EventBatch) -> None:
        """Send one frame per message."""
        for entry in batch.entries:
            if entry.type in ("message.created", "message.edited"):
                data = orjson.loads(entry.json)["data"]
                # The end of a stream is the one message.edited without the time of an edit.
                is_edit = entry.type == "message.edited" and data["edited_at"] is not None
                is_in_thread = data["thread_root"] is not None and not data["in_room"]
                has_no_text = data["text"] is None  # it was deleted meanwhile, or its sender is blocked
                if is_edit or data["streaming"] or is_in_thread or has_no_text:
                    continue
                content = {"message": data["text"], "sender": data["sender"]["username"], "seq": data["seq"]}
                self._send_queue.send_frame({"type": "websocket.send", "text": strict_json.dumps(content).decode()})


class RoomSocketConsumer(AuthenticatedConsumer):
    """One room's messages, in and out; connecting makes the room if needed, and joins it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.room_id: UUID | None = None
        self.entered = asyncio.Event()
        self.subscription: SubscriptionHandle | None = None

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """Suppress the server's own goodbye too: classic clients do not know it."""
        if extension := self.scope.get("extensions", {}).get("parley"):
            extension["goodbye"] = lambda *_: None
        await super().websocket_connect(message)

    def push_problem(self, problem: Problem) -> None:
        """Send an error frame."""
        self.send_content({"error": problem.as_dict(None)})

    def push_hello(self, session: Session, epoch: int) -> None:
        """Enter the room; there is no hello on this socket."""
        self.spawn(self._enter(session))

    async def _enter(self, session: Session) -> None:
        try:
            await take(session, JOIN_ROOM, {})
            slug = self.scope["url_route"]["kwargs"]["slug"]
            room = await write_for(session.user_id, slug, partial(room_for_slug, session=session, slug=slug))
            self.room_id = UUID(str(room["id"]))
            access = await self.hub.log.authorize(session.user_id, self.room_id)
        except Exception as error:
            problem = to_problem(error)
            self.push_problem(problem)
            # A rejection is final; a failure of ours, or of the database, is worth a retry.
            if is_limit(problem):
                self.end(CloseCode.RATE_LIMITED, "rate_limited", retry_after_ms=problem.retry_after_ms)
                return
            retryable = {"internal": CloseCode.INTERNAL, "unavailable": CloseCode.TRY_AGAIN_LATER}
            self.end(retryable.get(problem.code, CloseCode.ROOM_REFUSED), problem.code)
            return
        if not self.closing:
            plan, subscriber = plan_replay(access, None, None), NewMessageSubscriber(self.send_queue)
            self.subscription = self.hub.prepare(session.user_id, self.room_id, access, plan, subscriber)
            self.hub.start(self.subscription, synced=False)
            self.entered.set()

    async def answer(self, request: Request) -> None:
        """Send a message to the room; before authentication, take the authenticate action as on the other socket."""
        if self.session is None and "message" in request.body:
            request.problem = Problem("auth.required", "Send authenticate first.")
        if self.session is None or (request.action is not None and request.problem is None):
            await super().answer(request)
            return
        if self.closing:
            return
        try:
            await self._send_message(request)
        except Exception as error:
            await self.handle_exception(error, None, None)

    async def _send_message(self, request: Request) -> None:
        if request.problem is not None and request.problem.code != "frame.invalid":
            raise request.problem
        await take(require_session(self.session), SEND_MESSAGE, {})
        fields = dict(request.body)
        if set(fields) != {"message"}:
            raise Problem("frame.invalid", 'Send {"message": "..."}.')
        body = validate(SendMessageBody, {"client_id": uuid4().hex, "text": fields["message"]})
        await self.entered.wait()  # classic clients send as soon as they are connected
        assert self.room_id is not None
        await messages.asend_message(session=require_session(self.session), room_id=self.room_id, **body)

    async def reply(
        self, action: str | None, data: Any = None, errors: Any = None, status: int = 200, request_id: Any = None
    ) -> None:
        """Send problems only: a message that was sent comes back like everybody's."""
        for problem in errors or []:
            self.send_content({"error": problem})

    def push_goodbye(self, code: CloseCode, reason: str, retry_after_ms: int | None) -> None:
        """Send nothing: classic clients do not know the goodbye, and the close carries code and reason."""

    def clean_up(self) -> None:
        super().clean_up()
        if self.subscription is not None:
            self.hub.stop(self.subscription)
