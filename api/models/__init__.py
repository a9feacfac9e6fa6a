"""The rows of the chat: rooms, members, messages, jobs, and what users set for themselves."""

from api.models.blocks import Block, BlockList
from api.models.deliveries import Delivery
from api.models.jobs import Job, JobKind
from api.models.members import Member, MembershipPeriod
from api.models.messages import Message
from api.models.rooms import Room, RoomNamePart
from api.models.settings import AddedBy, UserSettings

__all__ = [
    "AddedBy",
    "Block",
    "BlockList",
    "Delivery",
    "Job",
    "JobKind",
    "Member",
    "MembershipPeriod",
    "Message",
    "Room",
    "RoomNamePart",
    "UserSettings",
]
