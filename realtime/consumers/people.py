"""Actions on people: the user of the socket, and the users whom they block."""

from functools import partial
from typing import Any
from uuid import UUID

from accounts.models import User
from api.operations.blocks import BLOCK_USER, LIST_BLOCKS, UNBLOCK_USER
from api.operations.me import GET_ME, UPDATE_ME
from api.services import blocks, me
from realtime.consumers.actions import Reply, action, require_session
from realtime.consumers.authenticated import AuthenticatedConsumer
from realtime.database import read_for, write_for


class PeopleActions(AuthenticatedConsumer):
    """The actions on people; those that change something wait for the lock of the user's inbox."""

    @action(GET_ME)
    async def get_me(self) -> Reply:
        user = require_session(self.session).user
        # The user of the session is as old as the socket.
        return await read_for(user.pk, lambda: me.get_me(user=User.objects.get(pk=user.pk))), 200

    @action(UPDATE_ME)
    async def update_me(self, **changes: Any) -> Reply:
        session = require_session(self.session)
        update = partial(me.update_me, session=session, changes=changes)
        return await write_for(session.user_id, session.user_id, update), 200

    @action(LIST_BLOCKS)
    async def list_blocks(self, **page: Any) -> Reply:
        user_id = require_session(self.session).user_id
        return await read_for(user_id, partial(blocks.list_blocks, user_id=user_id, **page)), 200

    @action(BLOCK_USER)
    async def block_user(self, user_id: UUID) -> Reply:
        session = require_session(self.session)
        block = partial(blocks.block_user, session=session, user_id=user_id)
        return await write_for(session.user_id, session.user_id, block), 200

    @action(UNBLOCK_USER)
    async def unblock_user(self, user_id: UUID) -> Reply:
        session = require_session(self.session)
        unblock = partial(blocks.unblock_user, session=session, user_id=user_id)
        await write_for(session.user_id, session.user_id, unblock)
        return None, 204
