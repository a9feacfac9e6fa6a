"""Asking together: while one call to the database is under way, those who ask wait, and the next call answers them all.

No timer: who asks alone is answered at once. In a crowd many need no more queries than one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import OperationalError

from wire.outages import is_outage

DATABASE_SECONDS = 8.0  # above the statement and lock timeouts of the database itself; for one that is frozen

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Asker(Generic[Question, Answer]):
    """A waiting question, and the time of the loop's clock at which it was asked."""

    question: Question
    future: asyncio.Future[Answer]
    asked_at: float


class BatchLoader(Generic[Question, Answer]):
    """Questions of one kind. `ask_all` answers each: an exception fails its asker alone.

    None stands for one of several that holds the others up: it is asked by itself, beside the next call, through
    `ask_alone`, which may wait for its turn. Nobody waits longer than DATABASE_SECONDS, in a call or behind one; how
    long a call may take is for `ask_all` to bound. With `owner` a call takes one question of each owner at most.
    """

    def __init__(
        self,
        ask_all: Callable[[Sequence[Question]], Awaitable[Sequence[Answer | Exception | None]]],
        most: int,
        weigh: Callable[[Question], int] = lambda _: 1,
        owner: Callable[[Question], Hashable] | None = None,
        ask_alone: Callable[[Question], Awaitable[Answer | Exception | None]] | None = None,
    ) -> None:
        self._ask_all, self._most, self._weigh, self._owner, self._ask_alone = ask_all, most, weigh, owner, ask_alone
        self._waiting: deque[Asker[Question, Answer]] = deque()
        self._asked: deque[Asker[Question, Answer]] = deque()  # all without an answer, the oldest first; some with one
        self._timer: asyncio.TimerHandle | None = None  # one for all: it goes off no later than the oldest is late
        self._is_busy = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question) -> Answer:
        """The answer, or its exception, or that of the call that was to bring it: OperationalError when it is late."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        asker = Asker(question, future, loop.time())
        self._waiting.append(asker)
        self._keep_time(asker, loop)
        if not self._is_busy:
            self._is_busy = True
            self._spawn(self._work())
        return await future

    def _keep_time(self, asker: Asker[Question, Answer], loop: asyncio.AbstractEventLoop) -> None:
        while self._asked and self._asked[0].future.done():
            self._asked.popleft()
        self._asked.append(asker)
        if self._asked[0] is asker:
            self._arm(loop)

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(self._asked[0].asked_at + DATABASE_SECONDS, self._expire, loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """Fail those whose own time is over, and nobody who asked later, though they may be in one call."""
        late = loop.time() - DATABASE_SECONDS
        while self._asked and ((oldest := self._asked[0]).future.done() or oldest.asked_at <= late):
            self._asked.popleft()
            if not oldest.future.done():
                oldest.future.set_exception(OperationalError("The database did not answer in time"))
        if self._asked:
            self._arm(loop)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _spawn_alone(self, asker: Asker[Question, Answer]) -> None:
        task = self._spawn(self._answer([asker], is_alone=True))
        asker.future.add_done_callback(lambda _: task.cancel())  # an asker that is gone waits for no turn

    async def _work(self) -> None:
        try:
            while batch := self._take():
                await self._answer(batch)
        finally:
            self._is_busy = False

    def _take(self) -> list[Asker[Question, Answer]]:
        """The next who go together, without those who have hung up or whose time is over."""
        batch: list[Asker[Question, Answer]] = []
        later: list[Asker[Question, Answer]] = []
        owners: set[Hashable] = set()
        room = self._most
        while self._waiting:
            asker = self._waiting[0]
            if not asker.future.done():
                owner = self._owner(asker.question) if self._owner else asker
                if owner in owners:
                    later.append(self._waiting.popleft())
                    continue
                room -= self._weigh(asker.question)
                if batch and room < 0:
                    break
                owners.add(owner)
                batch.append(asker)
            self._waiting.popleft()
        self._waiting.extendleft(reversed(later))
        return batch

    async def _answer(self, batch: Sequence[Asker[Question, Answer]], is_alone: bool = False) -> None:
        answers: Sequence[Answer | Exception | None]
        try:
            if is_alone and self._ask_alone:
                answers = [await self._ask_alone(batch[0].question)]
            else:
                answers = await self._ask_all([asker.question for asker in batch])
        except Exception as error:
            # A bad question fails alone: each is asked again by itself. Unless it is the database that is away.
            is_for_all = len(batch) == 1 or is_outage(error)
            answers = [error if is_for_all else None] * len(batch)
        for asker, answer in zip(batch, answers, strict=True):
            if asker.future.done():  # its socket is gone, or its time is over
                continue
            if answer is None:
                self._spawn_alone(asker)
            elif isinstance(answer, Exception):
                asker.future.set_exception(answer)
            else:
                asker.future.set_result(answer)
