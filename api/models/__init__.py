"""The rows of the chat: rooms, members, invitations, bans, messages, jobs, and what users set for themselves."""

from api.models.blocks import Block, BlockList
from api.models.deliveries import Delivery
from api.models.drafts import Draft
from api.models.forwards import Forward
from api.models.invites import Invite
from api.models.jobs import Job, JobKind
from api.models.links import Link
from api.models.members import Member, MembershipPeriod
from api.models.mentions import Mention
from api.models.messages import Message
from api.models.pins import Pin
from api.models.reactions import Reaction
from api.models.rooms import Room, RoomNamePart
from api.models.sanctions import Ban, Mute, Sanction
from api.models.settings import AddedBy, UserSettings
from api.models.streamed import StreamedMessage
from api.models.threads import Thread, ThreadFollow

__all__ = [
    "AddedBy",
    "Ban",
    "Block",
    "BlockList",
    "Delivery",
    "Draft",
    "Forward",
    "Invite",
    "Job",
    "JobKind",
    "Link",
    "Member",
    "MembershipPeriod",
    "Mention",
    "Message",
    "Mute",
    "Pin",
    "Reaction",
    "Room",
    "RoomNamePart",
    "Sanction",
    "StreamedMessage",
    "Thread",
    "ThreadFollow",
    "UserSettings",
]
