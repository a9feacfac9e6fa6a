"""The rows of the chat: rooms, members, messages and jobs."""

from api.models.forwards import Forward
from api.models.jobs import Job, JobKind
from api.models.members import Member, MembershipPeriod
from api.models.messages import Message
from api.models.pins import Pin
from api.models.reactions import Reaction
from api.models.rooms import Room, RoomNamePart

__all__ = [
    "Forward",
    "Job",
    "JobKind",
    "Member",
    "MembershipPeriod",
    "Message",
    "Pin",
    "Reaction",
    "Room",
    "RoomNamePart",
]
