"""Asking together: while one call to the database is under way, those who ask wait, and the next call answers them all.

No timer: who asks alone is answered at once. In a crowd many need no more queries than one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Together(Generic[Question, Answer]):
    """Questions of one kind. `ask_all` answers each: an exception fails its asker alone.

    None stands for one of several that holds the others up: it is asked by itself, beside the next call.
    """

    def __init__(
        self,
        ask_all: Callable[[Sequence[Question]], Awaitable[Sequence[Answer | Exception | None]]],
        most: int,
        weigh: Callable[[Question], int] = lambda _: 1,
    ) -> None:
        self._ask_all, self._most, self._weigh = ask_all, most, weigh
        self._waiting: deque[tuple[Question, asyncio.Future[Answer]]] = deque()
        self._is_busy = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question) -> Answer:
        """The answer, or its exception, or that of the call that was to bring it."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
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

    def _take(self) -> list[tuple[Question, asyncio.Future[Answer]]]:
        """The next who go together, without those who have hung up."""
        batch: list[tuple[Question, asyncio.Future[Answer]]] = []
        room = self._most
        while self._waiting:
            question, future = self._waiting[0]
            if not future.done():
                room -= self._weigh(question)
                if batch and room < 0:
                    break
                batch.append((question, future))
            self._waiting.popleft()
        return batch

    async def _answer(self, batch: Sequence[tuple[Question, asyncio.Future[Answer]]]) -> None:
        answers: Sequence[Answer | Exception | None]
        try:
            answers = await self._ask_all([question for question, _ in batch])
        except Exception as error:
            # A bad question fails alone: each is asked again by itself. Unless it is the database that is away.
            is_for_all = len(batch) == 1 or isinstance(error, OperationalError | InterfaceError)
            answers = [error if is_for_all else None] * len(batch)
        for (question, future), answer in zip(batch, answers, strict=True):
            if future.done():  # its socket is gone
                continue
            if answer is None:
                self._spawn(self._answer([(question, future)]))
            elif isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
