"""A long poll: a sync whose answer waits for the first event that it would have. It holds no thread meanwhile."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from accounts.models import Session
from api.services.sync import SyncPage, SyncRequest
from realtime import database
from realtime.authorization import StreamAccess
from realtime.close_codes import CloseCode
from realtime.handles import SubscriptionHandle
from realtime.hub import Hub
from realtime.log_entry import EventBatch
from realtime.metrics import LONG_POLLS
from realtime.presence.states import Activity
from realtime.process import get_hub
from realtime.replay_plan import ReplayPlan
from wire import strict_json
from wire.deferred import Exchange
from wire.limits import charge_work
from wire.problems import Problem

# The problem for each end of the session; any other end is an answer without changes.
_PROBLEMS: dict[int, str] = {
    CloseCode.SESSION_REVOKED: "auth.invalid_token",
    CloseCode.TOKEN_EXPIRED: "auth.invalid_token",
    CloseCode.ACCOUNT_DISABLED: "auth.account_disabled",
    CloseCode.TRY_AGAIN_LATER: "unavailable",
}


class LongPoll:
    """One waiting sync. It subscribes to every stream of the user, and any durable event wakes it."""

    is_full = False  # as a subscriber: it takes every batch, and keeps none

    def __init__(self, session: Session, request: SyncRequest, seconds: float, activity: Activity) -> None:
        """`seconds` is the longest wait; `activity` that of the device meanwhile."""
        self.session: Session | None = session
        self._session, self._request, self._seconds, self._activity = session, request, seconds, activity
        self._hub: Hub
        self._woken = asyncio.Event()
        self._is_over = False  # it is answered at once from now on
        self._problem: Problem | None = None

    async def finish(self, exchange: Exchange) -> None:
        """Answer the request: when there is something, when the time is over, or with the problem that ended it."""
        self._hub = get_hub()
        listening = asyncio.ensure_future(exchange.receive())  # nothing can be received but the disconnect
        listening.add_done_callback(lambda _: self._stop())
        LONG_POLLS.value += 1
        try:
            if self._hub.waiters.is_closed:
                self._stop()
                page = await self._poll(exchange)
            else:
                with self._hub.waiters.entered(self, self._session, exchange.scope):
                    self._hub.sessions.add(self, self._session)
                    self._hub.presence.enter(self, self._session.pk, self._session.user_id, self._activity)
                    page = await self._poll(exchange)
        except Exception as error:
            await exchange.refuse(error)
        else:
            await exchange.respond(strict_json.dumps(page.data))
        finally:
            LONG_POLLS.value -= 1
            listening.cancel()
            self._hub.sessions.discard(self, self._session)
            is_over = self._problem is not None and self._problem.code != "unavailable"
            self._hub.presence.leave(self, self._session.user_id, at_once=is_over)

    async def _poll(self, exchange: Exchange) -> SyncPage:
        """Return the page that has something, or the last one without."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._seconds
        while True:
            synced, accesses = await database.sync(self._request, True)
            if self._is_over or synced.has_changes:
                break
            self._woken.clear()
            began = loop.time()
            handles = self._subscribe(synced.cursors, accesses)
            try:
                async with asyncio.timeout_at(deadline):
                    await self._woken.wait()
            except TimeoutError:
                break
            finally:
                exchange.call.waited += loop.time() - began
                for handle in handles:
                    self._hub.stop(handle)
            if self._is_over:
                break
        if self._problem is not None:
            raise self._problem
        return synced

    def _subscribe(
        self, cursors: Mapping[UUID, int], accesses: Mapping[UUID, StreamAccess]
    ) -> list[SubscriptionHandle]:
        """Subscribe from the cursors of a page: an event that came after the page is delivered, too."""
        user_id, began = self._session.user_id, time.thread_time()
        handles = []
        for stream, access in accesses.items():
            plan = ReplayPlan(min(cursors[stream], access.head), access.head, access.epoch)
            handles.append(self._hub.prepare(user_id, stream, access, plan, self))
        for handle in handles:
            self._hub.start(handle, synced=False)
        charge_work(user_id, time.thread_time() - began)
        return handles

    def send_events(self, batch: EventBatch) -> None:
        """Wake up for an event of the log, and for a log that was rewritten: both change the answer."""
        if any(entry.seq or entry.type == "room.reset" for entry in batch.entries):
            self._woken.set()

    async def wait_writable(self) -> None:
        """Return at once: it is never full."""

    def end(self, code: int, reason: str, *, retry_after_ms: int | None = None) -> None:
        """Answer now: with a problem when the session has ended, otherwise with what there is."""
        if code in _PROBLEMS:
            self._problem = Problem(_PROBLEMS[code], retry_after_ms=retry_after_ms)
        self._hub.waiters.discard(self, self._session)
        self._hub.sessions.discard(self, self._session)
        self._stop()

    def warn_of_expiry(self, expires_at: datetime) -> None:
        """Do nothing: the next request learns of the end of the session."""

    def _stop(self) -> None:
        self._is_over = True
        self._woken.set()
