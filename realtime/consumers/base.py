"""DCRF's consumer, hardened: every frame gets exactly one reply, no frame kills the socket, nothing outlives it.

Kept from DCRF: the table of actions, the reply envelope, one way for exceptions. Replaced: the parser, that client
keys become keyword arguments, serial dispatch, the thread hop per message, and the channel per socket (the hub has one
for all of them).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, ClassVar

from channels.exceptions import StopConsumer
from djangochannelsrestframework.consumers import AsyncAPIConsumer

from realtime.close_codes import CloseCode
from realtime.consumers.frames import Request, read_frame
from realtime.send_queue import SendQueue
from wire import strict_json
from wire.problems import to_problem

logger = logging.getLogger(__name__)

WAITING_FRAMES = 8
BAD_FRAMES = 20  # so many in a minute are no accident
BAD_FRAMES_SECONDS = 60
CLOSE_SECONDS = 2.0  # for the last words to leave
LAST_ACTIONS_SECONDS = 5.0  # for what came before a client hung up
BAD_CODES = frozenset({"json.invalid", "frame.invalid", "action.unknown"})


class ActionConsumer(AsyncAPIConsumer):
    """One websocket. `closing` is true from the moment its end is decided: nothing is said after the goodbye."""

    permission_classes = ()  # who may what is decided by `answer` and by the services
    available_actions: ClassVar[dict[str, str]]
    farewell_seconds: float | None = None  # for the client to answer the close; None: as long as the server likes

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        extension = scope.get("extensions", {}).get("parley")
        application = asyncio.current_task()
        assert application is not None
        self.outbox = SendQueue(send, extension, application.cancel)
        self.closing = False
        self.lanes: dict[str, deque[Request]] = {}
        self.waiting = asyncio.Semaphore(WAITING_FRAMES)
        self.tasks: set[asyncio.Task[None]] = set()
        self.lane_tasks: set[asyncio.Task[None]] = set()
        self.bad_frames: deque[float] = deque(maxlen=BAD_FRAMES)
        self.scope, self.base_send = scope, send
        try:
            while True:  # Channels' own loop has a task for each message
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        except asyncio.CancelledError:
            if not self.outbox.aborted:
                raise
        finally:  # also after a crash, a cancel and a cut: Channels calls disconnect() for none of them
            self.closing = True
            self.clean_up()
            self.outbox.stop()
            for task in tuple(self.tasks):
                task.cancel()

    def clean_up(self) -> None:
        """Let go of everything that this socket holds."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Without Channels' thread hop per message, and for websocket messages only."""
        match message["type"]:
            case "websocket.receive":
                await self.websocket_receive(message)
            case "websocket.connect":
                await self.websocket_connect(message)
            case "websocket.disconnect":
                await self.websocket_disconnect(message)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """A client that says something and hangs up has said it: what came before the close is still done."""
        self.outbox.stop()
        if self.lane_tasks and not self.closing:
            await asyncio.wait(self.lane_tasks, timeout=LAST_ACTIONS_SECONDS)
        raise StopConsumer

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Put a frame into its lane; waits while too many are under way, so that the server stops reading."""
        if self.closing:
            return
        await self.waiting.acquire()
        request = read_frame(message.get("text"), frozenset(self.available_actions))
        name = self.lane_of(request)
        lane = self.lanes.get(name)
        if lane is None:
            self.lanes[name] = deque([request])
            self.lane_tasks.add(task := self.spawn(self._work(name)))
            task.add_done_callback(self.lane_tasks.discard)
        else:
            lane.append(request)

    def lane_of(self, request: Request) -> str:
        """The queue in which the frame waits for its turn."""
        return request.lane

    async def _work(self, name: str) -> None:
        """One lane: its frames one after another, none while the client does not read its replies."""
        lane = self.lanes[name]
        while lane:
            await self.outbox.room()
            request = lane[0]
            try:
                await self.answer(request)
            finally:
                lane.popleft()
                self.waiting.release()
            if lane:
                await asyncio.sleep(0)  # what was to follow the reply comes before the next frame
        del self.lanes[name]

    async def answer(self, request: Request) -> None:
        """One reply to one frame."""
        if self.closing:
            return
        if request.problem is not None:
            await self.handle_exception(request.problem, request.action, request.request_id)
            return
        await self.handle_action(request.action, request.request_id, body=request.body)

    async def handle_exception(self, exc: Exception, action: str | None, request_id: Any) -> None:
        """Every exception becomes a problem in a reply; too many bad frames become a close."""
        problem = to_problem(exc, request_id)
        status = problem.status
        await self.reply(action, errors=[problem.as_dict(request_id)], status=status, request_id=request_id)
        if problem.code in BAD_CODES:
            self._count_bad_frame()

    def _count_bad_frame(self) -> None:
        now = monotonic()
        self.bad_frames.append(now)
        if len(self.bad_frames) == BAD_FRAMES and now - self.bad_frames[0] < BAD_FRAMES_SECONDS:
            self.end(CloseCode.BAD_FRAMES, "bad_frames")

    async def reply(
        self, action: str | None, data: Any = None, errors: Any = None, status: int = 200, request_id: Any = None
    ) -> None:
        """DCRF's envelope, in bytes that are finished before they wait."""
        self.put(
            {
                "action": action,
                "request_id": request_id,
                "response_status": status,
                "errors": errors or [],
                "data": data,
            }
        )

    def after_reply(self, callback: Callable[..., object], *args: Any) -> None:
        """Do something right after the reply of the action that runs: nothing on the way to the outbox yields."""
        asyncio.get_running_loop().call_soon(callback, *args)

    def push(self, action: str, data: Any) -> None:
        """Say something that nobody asked for."""
        self.put({"action": action, "data": data})

    def put(self, content: dict[str, Any]) -> None:
        """Send JSON, in order with everything else, unless the socket is being closed."""
        if not self.closing:
            self.outbox.put({"type": "websocket.send", "text": strict_json.dumps(content).decode()})

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run for as long as the socket lives."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A task of a socket failed", exc_info=error)

    def end(self, code: CloseCode, reason: str, *, retry_after_ms: int | None = None) -> None:
        """Say goodbye and close. From this instant nothing else is heard, whatever still waits."""
        if self.closing:
            return
        self.say_goodbye(code, reason, retry_after_ms)
        self.closing = True
        self.clean_up()
        self.spawn(self._close(code, reason))

    def say_goodbye(self, code: CloseCode, reason: str, retry_after_ms: int | None) -> None:
        """The last push: why, and whether to come back."""
        data = {"code": code, "reason": reason, "reconnect": code.reconnect, "retry_after_ms": retry_after_ms}
        self.push("goodbye", data)

    async def _close(self, code: CloseCode, reason: str) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.outbox.flushed()
                farewell = {} if self.farewell_seconds is None else {"farewell": self.farewell_seconds}
                await self.base_send({"type": "websocket.close", "code": int(code), "reason": reason, **farewell})
        except (TimeoutError, OSError, RuntimeError):
            self.outbox.abort()
