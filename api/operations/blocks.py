"""The users whom I block."""

from api.serializers.blocks import BlockSerializer
from wire.fields import EmptySerializer
from wire.operations import Cost, Operation
from wire.pagination import PageBody, PageQuery
from wire.schema import page_of

LIST_BLOCKS = Operation(
    "list_blocks",
    "List the users whom I block, newest first",
    tag="blocks",
    cost=Cost.READ,
    query=PageQuery,
    frame_body=PageBody,
    reply=page_of(BlockSerializer),
)
BLOCK_USER = Operation(
    "block_user",
    "Block a user: their messages become stubs for me, and nobody writes in our direct room",
    tag="blocks",
    cost=Cost.WRITE,
    ids=("user_id",),
    body=EmptySerializer,
    reply=BlockSerializer,
    problems=("not_found", "block.limit"),
    description="The other user is not told. A repetition changes nothing.",
)
UNBLOCK_USER = Operation(
    "unblock_user",
    "Unblock a user",
    tag="blocks",
    cost=Cost.WRITE,
    ids=("user_id",),
    statuses=(204,),
    description="A user whom I do not block stays as they are.",
)
