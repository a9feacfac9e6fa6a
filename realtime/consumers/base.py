"""The consumer of djangochannelsrestframework (DCRF), hardened.

Every frame gets exactly one reply, no frame ends the socket, no task outlives it.

Kept from DCRF: the table of actions, the reply envelope, one way for exceptions. Replaced: the parser, client keys as
keyword arguments, serial dispatch, the thread hop per message, and the channel per socket (the hub has one for all).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, ClassVar
from uuid import uuid4

from channels.exceptions import StopConsumer
from djangochannelsrestframework.consumers import AsyncAPIConsumer

from realtime.admission import count_failure
from realtime.close_codes import CloseCode
from realtime.consumers.frames import Request, read_frame
from realtime.limits import (
    BAD_FRAMES_SECONDS,
    CLOSE_SECONDS,
    LAST_ACTIONS_SECONDS,
    LIGHT_FRAME_CHARS,
    MAX_BAD_FRAMES,
    MAX_CONCURRENT_FRAMES,
    MAX_LIGHT_FRAMES,
    PAUSE_SECONDS,
    SEND_SECONDS,
)
from realtime.metrics import FRAMES_RECEIVED, SOCKETS, SOCKETS_CLOSED
from realtime.send_queue import SendQueue
from wire import rates, strict_json
from wire.calls import Call, current
from wire.client_address import client_address
from wire.limits import is_limit
from wire.metrics import Gauge, LabelledCounter
from wire.problems import REFUSALS, Problem, to_problem
from wire.tracing import trace_of

logger = logging.getLogger(__name__)

NO_CODE = 1005  # the code of a close without one (RFC 6455, section 7.4.1)
BAD_CODES = frozenset({"json.invalid", "frame.invalid", "action.unknown"})


class ActionConsumer(AsyncAPIConsumer):
    """One websocket. `closing` is true from the moment its end is decided: no frame is sent after the goodbye."""

    permission_classes = ()  # permissions are decided by `answer` and by the services
    available_actions: ClassVar[dict[str, str]]
    light_actions: ClassVar[frozenset[str]] = frozenset()  # MAX_LIGHT_FRAMES of them are processed at once
    close_timeout: float | None = None  # seconds for the client to answer the close; None: the server's default
    send_seconds: ClassVar[float] = SEND_SECONDS  # for one frame, under a server that blocks in send
    open_gauge: ClassVar[Gauge] = SOCKETS
    closed_counter: ClassVar[LabelledCounter] = SOCKETS_CLOSED

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        application, extension = asyncio.current_task(), scope.get("extensions", {}).get("parley")
        assert application is not None
        self.send_queue = SendQueue(send, extension, application.cancel, seconds=self.send_seconds)
        self.scope, self.base_send = scope, send
        self.closing = False
        self.action_names = frozenset(self.available_actions)
        self.requests: dict[str, deque[Request]] = {}  # by ordering key
        self.capacity = {False: asyncio.Semaphore(MAX_CONCURRENT_FRAMES), True: asyncio.Semaphore(MAX_LIGHT_FRAMES)}
        self.tasks: set[asyncio.Task[None]] = set()
        self.request_tasks: set[asyncio.Task[None]] = set()
        self.bad_frames: deque[float] = deque(maxlen=MAX_BAD_FRAMES)
        self.refusals: deque[float] = deque(maxlen=rates.REFUSED.limit)
        self.connection = Call("connection", trace_of(scope))
        self.connection.connection_id, self.connection.client = uuid4().hex, client_address(scope)
        current.set(self.connection)  # for this task, and for those that it starts
        self.open_gauge.value += 1
        try:
            while True:  # Channels' own loop has a task and a thread hop for each message
                message = await receive()
                match message["type"]:
                    case "websocket.receive":
                        await self.websocket_receive(message)
                    case "websocket.connect":
                        await self.websocket_connect(message)
                    case "websocket.disconnect":
                        await self.websocket_disconnect(message)
        except StopConsumer:
            pass
        except asyncio.CancelledError:
            if not self.send_queue.aborted:
                raise
        finally:  # also after a crash, a cancellation and an abort: Channels calls disconnect() for none of them
            self.closing = True
            self.open_gauge.value -= 1
            self.connection.end()
            self.clean_up()
            self.send_queue.stop()
            for task in tuple(self.tasks):
                task.cancel()

    def clean_up(self) -> None:
        """Release everything that this socket holds."""

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """Finish the actions of frames that arrived before the client disconnected."""
        if not self.closing:
            self.connection.status = message.get("code", NO_CODE)
        self.send_queue.stop()
        if self.request_tasks and not self.closing:
            await asyncio.wait(self.request_tasks, timeout=LAST_ACTIONS_SECONDS)
        raise StopConsumer

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Queue a frame under its ordering key; wait while too many are open, so that the server stops reading."""
        if self.closing:
            return
        FRAMES_RECEIVED.value += 1
        text = message.get("text")
        request = read_frame(text, self.action_names)
        request.is_light = request.action in self.light_actions and len(text or "") <= LIGHT_FRAME_CHARS
        await self.capacity[request.is_light].acquire()
        call = Call("socket", connection=self.connection)
        request.call, call.request_id = call, request.request_id
        if request.action is not None:
            call.operation = getattr(self, self.available_actions[request.action]).kwargs["operation"]
        key = self.ordering_key(request)
        if (waiting := self.requests.get(key)) is not None:
            waiting.append(request)
            return
        self.requests[key] = deque([request])
        task = self.spawn(self._answer_in_order(key))
        self.request_tasks.add(task)
        task.add_done_callback(self.request_tasks.discard)

    def ordering_key(self, request: Request) -> str:
        """Frames with the same key are answered one after another."""
        return request.ordering_key

    async def _answer_in_order(self, key: str) -> None:
        """Answer the frames of one ordering key, none while the client does not read its replies."""
        waiting = self.requests[key]
        while waiting:
            if self.send_queue.is_full:
                await self.send_queue.wait_writable()
            request = waiting[0]
            token = current.set(request.call)
            try:
                await self.answer(request)
                if request.call is not None:
                    request.call.end()
            finally:
                current.reset(token)
                waiting.popleft()
                self.capacity[request.is_light].release()
            if waiting:
                await asyncio.sleep(0)  # callbacks of `after_reply` run before the next frame
        del self.requests[key]

    async def answer(self, request: Request) -> None:
        """Send one reply to one frame."""
        if self.closing:
            return
        if request.problem is not None:
            await self.handle_exception(request.problem, request.action, request.request_id)
            return
        await self.handle_action(request.action or "", request.request_id, body=request.body)

    async def handle_action(self, action: str, request_id: Any, **kwargs: Any) -> None:
        """Call an action and reply. DCRF's own would first ask for permissions, which the services decide."""
        try:
            data, status = await getattr(self, self.available_actions[action])(**kwargs)
            await self.reply(action, data, status=status, request_id=request_id)
        except Exception as error:
            await self.handle_exception(error, action, request_id)

    async def handle_exception(self, exc: Exception, action: str | None, request_id: Any) -> None:
        """Reply with the problem of an exception; close the socket after too many bad frames."""
        problem = to_problem(exc, request_id)
        REFUSALS.add(problem.code)
        status = problem.status
        if (call := current.get()) is not None:
            call.status = status
        await self.reply(action, errors=[problem.as_dict(request_id)], status=status, request_id=request_id)
        if problem.code in BAD_CODES:
            now = monotonic()
            self.bad_frames.append(now)
            if len(self.bad_frames) == MAX_BAD_FRAMES and now - self.bad_frames[0] < BAD_FRAMES_SECONDS:
                self.end(CloseCode.BAD_FRAMES, "bad_frames")
        elif is_limit(problem):
            self.count_refusal(problem)

    def count_refusal(self, problem: Problem) -> None:
        """Close the socket of a client that goes on without a pause while rate limits refuse its requests."""
        now = monotonic()
        if self.refusals and now - self.refusals[-1] >= PAUSE_SECONDS:
            self.refusals.clear()
        self.refusals.append(now)
        if len(self.refusals) == rates.REFUSED.limit and now - self.refusals[0] < rates.REFUSED.window_seconds:
            # A client that reconnects at once would burn more with its handshakes than with what was refused.
            count_failure(self.scope)
            self.end(CloseCode.RATE_LIMITED, "rate_limited", retry_after_ms=problem.retry_after_ms)

    async def reply(
        self, action: str | None, data: Any = None, errors: Any = None, status: int = 200, request_id: Any = None
    ) -> None:
        """Send DCRF's envelope."""
        if (call := current.get()) is not None:
            call.status = status
        self.send_content(
            {
                "action": action,
                "request_id": request_id,
                "response_status": status,
                "errors": errors or [],
                "data": data,
            }
        )

    def after_reply(self, callback: Callable[..., object], *args: Any) -> None:
        """Call back right after the reply of the running action: nothing between an action and its reply yields."""
        asyncio.get_running_loop().call_soon(callback, *args)

    def push(self, action: str, data: Any) -> None:
        """Send a frame that is no reply."""
        self.send_content({"action": action, "data": data})

    def send_content(self, content: dict[str, Any]) -> None:
        """Send JSON, in order with everything else, unless the socket is being closed."""
        if not self.closing:
            self.send_queue.send_frame({"type": "websocket.send", "text": strict_json.dumps(content).decode()})

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run in the background, for no longer than the socket lives."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A task of a socket failed", exc_info=error)

    def end(self, code: CloseCode, reason: str, *, retry_after_ms: int | None = None) -> None:
        """Send a goodbye and close. No other frame is sent from this instant, even if some still wait."""
        if self.closing:
            return
        self.connection.status = int(code)
        self.closed_counter.add(str(int(code)))
        self.push_goodbye(code, reason, retry_after_ms)
        self.closing = True
        self.clean_up()
        self.spawn(self._close(code, reason))

    def push_goodbye(self, code: CloseCode, reason: str, retry_after_ms: int | None) -> None:
        """Send the last push: the reason, and whether to reconnect."""
        data = {"code": code, "reason": reason, "reconnect": code.reconnect, "retry_after_ms": retry_after_ms}
        self.push("goodbye", data)

    async def _close(self, code: CloseCode, reason: str) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.send_queue.wait_flushed()
                timeout = {} if self.close_timeout is None else {"close_timeout": self.close_timeout}
                await self.base_send({"type": "websocket.close", "code": int(code), "reason": reason, **timeout})
        except (TimeoutError, OSError, RuntimeError):
            self.send_queue.abort()
