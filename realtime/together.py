"""Asking together: while one call to the database is under way, those who ask wait, and the next call answers them all.

No timer: who asks alone is answered at once. In a crowd many need no more queries than one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError

DATABASE_SECONDS = 8.0  # above the statement and lock timeouts of the database itself; for one that is frozen

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Asker(Generic[Question, Answer]):
    """Who waits, and since when on the clock of the loop."""

    question: Question
    future: asyncio.Future[Answer]
    asked_at: float


class Together(Generic[Question, Answer]):
    """Questions of one kind. `ask_all` answers each: an exception fails its asker alone.

    None stands for one of several that holds the others up: it is asked by itself, beside the next call. A call gets
    no more time than is left of DATABASE_SECONDS to the first in it, so nobody waits longer, in a call or behind one.
    """

    def __init__(
        self,
        ask_all: Callable[[Sequence[Question]], Awaitable[Sequence[Answer | Exception | None]]],
        most: int,
        weigh: Callable[[Question], int] = lambda _: 1,
    ) -> None:
        self._ask_all, self._most, self._weigh = ask_all, most, weigh
        self._waiting: deque[Asker[Question, Answer]] = deque()
        self._is_busy = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question) -> Answer:
        """The answer, or its exception, or that of the call that was to bring it: OperationalError when it is late."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append(Asker(question, future, loop.time()))
        if not self._is_busy:
            self._is_busy = True
            self._spawn(self._work())
        return await future

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            while batch := self._take():
                await self._answer(batch)
        finally:
            self._is_busy = False

    def _take(self) -> list[Asker[Question, Answer]]:
        """The next who go together, without those who have hung up."""
        batch: list[Asker[Question, Answer]] = []
        room = self._most
        while self._waiting:
            asker = self._waiting[0]
            if not asker.future.done():
                room -= self._weigh(asker.question)
                if batch and room < 0:
                    break
                batch.append(asker)
            self._waiting.popleft()
        return batch

    async def _answer(self, batch: Sequence[Asker[Question, Answer]]) -> None:
        answers: Sequence[Answer | Exception | None]
        try:
            answers = await self._ask_in_time(batch)
        except Exception as error:
            # A bad question fails alone: each is asked again by itself. Unless it is the database that is away.
            is_for_all = len(batch) == 1 or isinstance(error, OperationalError | InterfaceError)
            answers = [error if is_for_all else None] * len(batch)
        for asker, answer in zip(batch, answers, strict=True):
            if asker.future.done():  # its socket is gone
                continue
            if answer is None:
                self._spawn(self._answer([asker]))
            elif isinstance(answer, Exception):
                asker.future.set_exception(answer)
            else:
                asker.future.set_result(answer)

    async def _ask_in_time(self, batch: Sequence[Asker[Question, Answer]]) -> Sequence[Answer | Exception | None]:
        try:
            async with asyncio.timeout_at(batch[0].asked_at + DATABASE_SECONDS):
                return await self._ask_all([asker.question for asker in batch])
        except TimeoutError as error:
            raise OperationalError("The database did not answer in time") from error
