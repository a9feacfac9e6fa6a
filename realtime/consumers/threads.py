"""Actions on threads, mentions, unread numbers and drafts, each the twin of an endpoint."""

from functools import partial
from typing import Any
from uuid import UUID

from api.operations.threads import (
    DELETE_DRAFT,
    FOLLOW_THREAD,
    GET_UNREAD,
    LIST_DRAFTS,
    LIST_MENTIONS,
    LIST_THREADS,
    PUT_DRAFT,
    UNFOLLOW_THREAD,
)
from api.services import drafts, mentions, reads, threads
from realtime.consumers.actions import Reply, action, require_session
from realtime.consumers.authenticated import AuthenticatedConsumer
from realtime.database import PAGE_BYTES, read_for, write_for


class ThreadActions(AuthenticatedConsumer):
    """The actions on threads, and on what else a user reads and drafts across rooms."""

    @action(LIST_THREADS)
    async def list_threads(self, **page: Any) -> Reply:
        user_id = require_session(self.session).user_id
        read = partial(threads.list_threads, user_id=user_id, max_bytes=PAGE_BYTES, **page)
        return await read_for(user_id, read), 200

    @action(FOLLOW_THREAD)
    async def follow_thread(self, room_id: UUID, thread_root: UUID) -> Reply:
        session = require_session(self.session)
        follow = partial(threads.follow_thread, session=session, room_id=room_id, thread_root=thread_root)
        return await write_for(session.user_id, room_id, follow), 200

    @action(UNFOLLOW_THREAD)
    async def unfollow_thread(self, room_id: UUID, thread_root: UUID) -> Reply:
        session = require_session(self.session)
        unfollow = partial(threads.unfollow_thread, session=session, room_id=room_id, thread_root=thread_root)
        await write_for(session.user_id, room_id, unfollow)
        return None, 204

    @action(LIST_MENTIONS)
    async def list_mentions(self, **page: Any) -> Reply:
        user_id = require_session(self.session).user_id
        read = partial(mentions.list_mentions, user_id=user_id, max_bytes=PAGE_BYTES, **page)
        return await read_for(user_id, read), 200

    @action(GET_UNREAD)
    async def get_unread(self) -> Reply:
        user_id = require_session(self.session).user_id
        return await read_for(user_id, partial(reads.get_unread, user_id=user_id)), 200

    @action(PUT_DRAFT)
    async def put_draft(self, room_id: UUID, **body: Any) -> Reply:
        session = require_session(self.session)
        put = partial(drafts.put_draft, session=session, room_id=room_id, **body)
        return await write_for(session.user_id, room_id, put), 200

    @action(DELETE_DRAFT)
    async def delete_draft(self, room_id: UUID, **body: Any) -> Reply:
        session = require_session(self.session)
        await write_for(
            session.user_id, room_id, partial(drafts.delete_draft, session=session, room_id=room_id, **body)
        )
        return None, 204

    @action(LIST_DRAFTS)
    async def list_drafts(self, **page: Any) -> Reply:
        user_id = require_session(self.session).user_id
        read = partial(drafts.list_drafts, user_id=user_id, max_bytes=PAGE_BYTES, **page)
        return await read_for(user_id, read), 200
