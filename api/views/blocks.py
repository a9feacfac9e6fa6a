"""The REST face of blocks."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SessionView
from api.operations.blocks import BLOCK_USER, LIST_BLOCKS, UNBLOCK_USER
from api.services import blocks
from wire.views import endpoint


class BlocksView(SessionView):
    """The users whom the user of the request blocks."""

    @endpoint(LIST_BLOCKS)
    def get(self, request: Request, **query: Any) -> Response:
        return Response(blocks.list_blocks(user_id=self.session.user_id, **query))


class BlockView(SessionView):
    """One block."""

    @endpoint(BLOCK_USER)
    def put(self, request: Request, user_id: UUID) -> Response:
        return Response(blocks.block_user(session=self.session, user_id=user_id))

    @endpoint(UNBLOCK_USER)
    def delete(self, request: Request, user_id: UUID) -> Response:
        blocks.unblock_user(session=self.session, user_id=user_id)
        return Response(status=204)
