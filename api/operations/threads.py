"""Threads, mentions, unread numbers and drafts."""

from api.operations import NON_MEMBER
from api.serializers.drafts import DeleteDraftBody, DeleteDraftQuery, DraftSerializer, PutDraftBody
from api.serializers.message_shape import MessageSerializer
from api.serializers.messages import MineField
from api.serializers.reads import UnreadSerializer
from api.serializers.threads import FollowSerializer, ThreadsBody, ThreadsQuery
from wire.fields import EmptySerializer
from wire.operations import Cost, Operation
from wire.pagination import PageBody, PageQuery
from wire.schema import page_of

LIST_THREADS = Operation(
    "list_threads",
    "List the threads that I follow, newest activity first",
    tag="threads",
    cost=Cost.READ,
    query=ThreadsQuery,
    frame_body=ThreadsBody,
    reply=page_of(FollowSerializer, mine=MineField()),
    description=(
        "I follow a thread if I wrote its root, replied in it or was named by a reply, until I unfollow it. A thread "
        "that gets a reply while you page comes (again) on the last page. A page ends at 1 MiB; `next` is set then."
    ),
)
FOLLOW_THREAD = Operation(
    "follow_thread",
    "Follow a thread; its unread replies are those after the room's head at this moment",
    tag="threads",
    cost=Cost.WRITE,
    ids=("room_id", "thread_root"),
    body=EmptySerializer,
    reply=FollowSerializer,
    problems=NON_MEMBER,
    description="A thread that I follow already stays unchanged.",
)
UNFOLLOW_THREAD = Operation(
    "unfollow_thread",
    "No longer follow a thread, until I reply or am named in it again",
    tag="threads",
    cost=Cost.WRITE,
    ids=("room_id", "thread_root"),
    statuses=(204,),
    problems=NON_MEMBER,
)
LIST_MENTIONS = Operation(
    "list_mentions",
    "List the messages of the last 90 days that name me or everybody in one of my rooms, newest first",
    tag="mentions",
    cost=Cost.READ,
    query=PageQuery,
    frame_body=PageBody,
    reply=page_of(MessageSerializer, mine=MineField()),
    description="A page ends at 1 MiB; `next` is set then.",
)
GET_UNREAD = Operation(
    "get_unread",
    "Get the unread numbers of all my rooms",
    tag="reads",
    cost=Cost.READ,
    reply=UnreadSerializer,
)
PUT_DRAFT = Operation(
    "put_draft",
    "Keep what I have not sent yet to a room or a thread, for all of my devices",
    tag="drafts",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=PutDraftBody,
    reply=DraftSerializer,
    problems=NON_MEMBER,
    description="A user has up to 1,000 drafts; the oldest are given up. They end with the membership.",
)
DELETE_DRAFT = Operation(
    "delete_draft",
    "Delete my draft of a room or of a thread",
    tag="drafts",
    cost=Cost.WRITE,
    ids=("room_id",),
    query=DeleteDraftQuery,
    body=DeleteDraftBody,
    frame_body=DeleteDraftBody,
    statuses=(204,),
    problems=NON_MEMBER,
)
LIST_DRAFTS = Operation(
    "list_drafts",
    "List my drafts, the newest first",
    tag="drafts",
    cost=Cost.READ,
    query=PageQuery,
    frame_body=PageBody,
    reply=page_of(DraftSerializer),
    description="A page ends at 1 MiB; `next` is set then.",
)
