"""The REST face of threads, mentions, unread numbers and drafts."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
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
from wire.views import endpoint


class ThreadsView(SessionView):
    """The threads that the user follows."""

    @endpoint(LIST_THREADS)
    def get(self, request: Request, **query: Any) -> Response:
        return Response(threads.list_threads(user_id=self.session.user_id, **query))


class FollowView(SessionView):
    """Following one thread."""

    @endpoint(FOLLOW_THREAD)
    def put(self, request: Request, room_id: UUID, thread_root: UUID) -> Response:
        return Response(threads.follow_thread(session=self.session, room_id=room_id, thread_root=thread_root))

    @endpoint(UNFOLLOW_THREAD)
    def delete(self, request: Request, room_id: UUID, thread_root: UUID) -> Response:
        threads.unfollow_thread(session=self.session, room_id=room_id, thread_root=thread_root)
        return Response(status=204)


class MentionsView(SessionView):
    """The messages that name the user."""

    @endpoint(LIST_MENTIONS)
    def get(self, request: Request, **query: Any) -> Response:
        return Response(mentions.list_mentions(user_id=self.session.user_id, **query))


class UnreadNumbersView(SessionView):
    """The unread numbers of all rooms of the user."""

    @endpoint(GET_UNREAD)
    def get(self, request: Request) -> Response:
        return Response(reads.get_unread(user_id=self.session.user_id))


class DraftsView(SessionView):
    """The user's drafts."""

    @endpoint(LIST_DRAFTS)
    def get(self, request: Request, **query: Any) -> Response:
        return Response(drafts.list_drafts(user_id=self.session.user_id, **query))


class DraftView(SessionView):
    """The user's draft of one room or thread."""

    @endpoint(PUT_DRAFT)
    def put(self, request: Request, room_id: UUID, **body: Any) -> Response:
        return Response(drafts.put_draft(session=self.session, room_id=room_id, **body))

    @endpoint(DELETE_DRAFT)
    def delete(self, request: Request, room_id: UUID, **fields: Any) -> Response:
        drafts.delete_draft(session=self.session, room_id=room_id, **fields)
        return Response(status=204)
