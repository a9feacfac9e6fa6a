"""The rows of the chat: who is where, what was said, and the one log of everything that happened."""

from api.models.jobs import Job, JobKind
from api.models.log import Epoch, Event, StreamHead
from api.models.members import Member, MembershipPeriod
from api.models.messages import Message
from api.models.rooms import Room, RoomNamePart

__all__ = [
    "Epoch",
    "Event",
    "Job",
    "JobKind",
    "Member",
    "MembershipPeriod",
    "Message",
    "Room",
    "RoomNamePart",
    "StreamHead",
]
